import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { histories, play } from './support/history.ts'
import { describeLog } from './support/history-log.ts'
import { findFaults } from './support/history-oracle.ts'
import type { History } from './support/history.ts'

const RUNS = Number(process.env['WITH_AUTH_HISTORIES'] ?? 20_000)
const TIMEOUT_MS = 600_000

/** What is wrong with a history, and how it went. Empty if all is well. */
async function faultsOf(history: History): Promise<string> {
  const log = await play(history)
  const faults = findFaults(log)
  return faults.length === 0 ? '' : `${faults.join('\n')}\n\n${describeLog(log)}`
}

describe('any history of requests, answers, clocks and invalidations', () => {
  it(
    'lets nobody in whom the endpoint did not, and refuses nobody whom it lets in',
    { timeout: TIMEOUT_MS },
    async () => {
      await fc.assert(
        fc.asyncProperty(histories, async (history) => {
          expect(await faultsOf(history)).toBe('')
        }),
        { numRuns: RUNS },
      )
    },
  )
})
