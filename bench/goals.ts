import { LOAD_GOALS } from './goals/load-goals.ts'
import { PACKAGE_GOALS } from './goals/package-goals.ts'
import { SCALE_GOALS } from './goals/scale-goals.ts'
import type { Goal, Place } from './goals/goal.ts'
import type { GoalResult } from './section.ts'

interface GoalTable {
  /** `npm run bench -- <name>` selects it. */
  readonly name: string
  readonly heading: string
  readonly goals: readonly Goal[]
}

export const GOAL_TABLES: readonly GoalTable[] = [
  { name: 'goals', heading: 'Goals, on Node 24', goals: [...PACKAGE_GOALS, ...LOAD_GOALS] },
  { name: 'scale', heading: 'Many machines, on Node 24', goals: SCALE_GOALS },
]

/** Measures the goals. */
export async function findGoals(goals: readonly Goal[], place: Place): Promise<GoalResult[]> {
  const results: GoalResult[] = []
  for (const { goal, find } of goals) results.push({ goal, ...(await find(place)) })
  return results
}
