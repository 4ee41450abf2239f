/** @module-tag slow */
import { describe, expect, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import * as parts from './simulation/parts.ts'
import { runHistory } from './simulation/history.ts'
import { loadVariant, VARIANTS } from './simulation/variants.ts'
import type { Variant } from './simulation/variants.ts'

/**
 * The real code in simulated time, with three instances and a primary with a replica: lost and late messages, half-open
 * connections, frozen and suspended processes, failovers with lost writes, restarts, eviction, and clocks that differ. No
 * allow may be older than its time to live, than a revocation that was acknowledged a second ago, than the last answer that
 * this instance got from the endpoint, or than a revocation by this instance.
 */

const HISTORIES = IS_NIGHTLY ? 10_000 : 60
const TIMEOUT_MS = IS_NIGHTLY ? 3_600_000 : 60_000
const MOST_HISTORIES = 5000

/** Runs histories from a seed on. Returns the first violation. */
async function findViolation(
  variant: typeof parts,
  { options, seed: first = 1 }: Pick<Variant, 'options' | 'seed'>,
  most: number,
): Promise<string | undefined> {
  for (let seed = first; seed < first + most; seed += 1) {
    const violation = await runHistory(variant, { seed, ...options })
    if (violation !== undefined) return violation
  }
  return undefined
}

it(`keeps its promises in ${HISTORIES} random histories`, { timeout: TIMEOUT_MS }, async () => {
  expect(await findViolation(parts, {}, HISTORIES)).toBeUndefined()
})

describe('a history finds', () => {
  const find = async (variant: Variant): Promise<string | undefined> =>
    findViolation(await loadVariant(variant), variant, MOST_HISTORIES)
  const isRare = (variant: Variant): boolean => variant.isRare === true

  it.each(VARIANTS.filter((one) => !isRare(one)))(
    '$name',
    { tags: ['slow'], timeout: TIMEOUT_MS },
    async (variant) => {
      expect(await find(variant)).toMatch(/^seed/)
    },
  )

  it.runIf(IS_NIGHTLY).each(VARIANTS.filter(isRare))(
    '$name, which is rare',
    { timeout: 3_600_000 },
    async (variant) => {
      expect(await find(variant)).toMatch(/^seed/)
    },
  )
})
