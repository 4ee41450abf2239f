import { LOAD_GOALS } from './goals/load-goals.ts'
import { PACKAGE_GOALS } from './goals/package-goals.ts'
import type { Goal, Place } from './goals/goal.ts'
import type { GoalResult } from './section.ts'

export const GOALS: readonly Goal[] = [...PACKAGE_GOALS, ...LOAD_GOALS]

/** Measures the goals. */
export async function findGoals(goals: readonly Goal[], place: Place): Promise<GoalResult[]> {
  const results: GoalResult[] = []
  for (const { goal, find } of goals) results.push({ goal, ...(await find(place)) })
  return results
}
