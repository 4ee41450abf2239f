import { LOAD_GOALS } from './goals/load-goals.ts'
import { PACKAGE_GOALS } from './goals/package-goals.ts'
import { toMarkdown } from './table.ts'
import type { Goal, Place } from './goals/goal.ts'

export const GOALS: readonly Goal[] = [...PACKAGE_GOALS, ...LOAD_GOALS]

/** A table of the goals with their measured values. */
export async function findGoals(goals: readonly Goal[], place: Place): Promise<string> {
  const rows: string[][] = []
  for (const { goal, find } of goals) {
    const { found, isReached } = await find(place)
    rows.push([goal, found, isReached ? 'yes' : '**no**'])
  }
  return toMarkdown([['goal', 'found', 'reached'], ...rows])
}
