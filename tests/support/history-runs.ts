import fc from 'fast-check'
import { histories, play } from './history.ts'
import { describeLog } from './history-log.ts'
import { findFaults } from './history-oracle.ts'
import type { History } from './history.ts'
import type { Asking, Log } from './history-log.ts'

/** What became of many histories. Counts alone, so that a million of them take no more memory than one. */
export interface Runs {
  histories: number
  requests: number
  calls: number
  /** How often each outcome was: `allow`, `stale`, or the reason of a denial. */
  readonly outcomes: Record<string, number>
  /** The first history that went wrong, made as short as can be, and how to see it again. Empty if all went well. */
  fault: string
}

/** Plays generated histories, the same ones for the same seed, and stops at the first that goes wrong. */
export async function runHistories(count: number, seed: number): Promise<Runs> {
  const runs: Runs = { histories: 0, requests: 0, calls: 0, outcomes: {}, fault: '' }
  const isRight = fc.asyncProperty(histories, async (history: History) => {
    const log = await play(history)
    tally(log, runs)
    const faults = findFaults(log)
    if (faults.length > 0) throw new Error(`${faults.join('\n')}\n\n${describeLog(log)}`)
  })
  const details = await fc.check(isRight, { numRuns: count, seed, includeErrorInReport: true })
  runs.fault = (await fc.asyncDefaultReportMessage(details)) ?? ''
  return runs
}

function tally({ askings, calls }: Log, runs: Runs): void {
  runs.histories += 1
  runs.requests += askings.length
  runs.calls += calls.length
  for (const asking of askings) {
    const outcome = outcomeOf(asking)
    runs.outcomes[outcome] = (runs.outcomes[outcome] ?? 0) + 1
  }
}

function outcomeOf({ auth, reason }: Asking): string {
  if (auth === undefined) return String(reason)
  return auth.stale === true ? 'stale' : 'allow'
}

/** What some hundred histories lead to. */
export const OUTCOMES: readonly string[] = [
  'allow',
  'stale',
  'denied',
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'circuit_open',
  'overloaded',
]
