import fc from 'fast-check'
import { histories, play } from './history.ts'
import { describeLog } from './log.ts'
import { findFaults } from './oracle.ts'
import type { History } from './history.ts'
import type { Asking, Log } from './log.ts'

/** The results of many histories. Only counts, so that a million histories need no more memory than one. */
export interface Runs {
  histories: number
  /** The number of each outcome: `allow`, `stale`, or the reason of a denial. */
  readonly outcomes: Record<string, number>
  /** The first faulty history, shrunk, and how to replay it. Empty without faults. */
  fault: string
}

/** Plays generated histories up to the first faulty one. The same seed gives the same histories. */
export async function runHistories(count: number, seed: number): Promise<Runs> {
  const runs: Runs = { histories: 0, outcomes: {}, fault: '' }
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

function tally({ askings }: Log, runs: Runs): void {
  runs.histories += 1
  for (const asking of askings) {
    const outcome = outcomeOf(asking)
    runs.outcomes[outcome] = (runs.outcomes[outcome] ?? 0) + 1
  }
}

function outcomeOf({ auth, reason, short }: Asking): string {
  if (short === 'alike') return 'recalled'
  if (auth === undefined) return String(reason)
  return auth.stale === true ? 'stale' : 'allow'
}

/** The outcomes that a few hundred histories always reach. */
export const OUTCOMES: readonly string[] = [
  'allow',
  'recalled',
  'stale',
  'denied',
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'circuit_open',
  'overloaded',
]
