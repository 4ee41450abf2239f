/** @module-tag slow */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { Lease } from '../../src/redis/lease.ts'
import { PendingCall } from '../../src/core/asking/under-way.ts'
import { runHistory } from './simulation/history.ts'

/**
 * The real code in simulated time, with three instances and a primary with a replica: lost and late messages, half-open
 * connections, frozen and suspended processes, failovers with lost writes, restarts, eviction, and clocks that differ. No
 * allow may be older than its time to live, than a revocation that was acknowledged a second ago, than the last answer that
 * this instance got from the endpoint, or than a revocation by this instance.
 */

const HISTORIES = IS_NIGHTLY ? 10_000 : 60

it(`keeps its promises in ${HISTORIES} random histories`, { timeout: 3_600_000 }, async () => {
  for (let seed = 1; seed <= HISTORIES; seed += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one history after the other
    expect(await runHistory(seed)).toBeUndefined()
  }
})

// Histories that pass prove something only if a history can fail.
describe('a history finds', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each<[string, () => void]>([
    [
      'a revocation that ends no decision',
      () => vi.spyOn(Lease.prototype, 'age').mockReturnValue(),
    ],
    [
      'a new subscription that keeps older decisions',
      () => vi.spyOn(Lease.prototype, 'restart').mockReturnValue(),
    ],
    [
      'a request that joins a call from before a revocation',
      () => vi.spyOn(PendingCall.prototype, 'canBeJoined').mockReturnValue(true),
    ],
  ])('%s', { timeout: 120_000 }, async (_what, breakCode) => {
    breakCode()
    let violation: string | undefined
    for (let seed = 1; violation === undefined && seed <= 1000; seed += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one history after the other
      violation = await runHistory(seed)
    }
    expect(violation).toMatch(/^seed \d+: acknowledged/)
  })
})
