/** @module-tag slow */
import { describe, expect, it } from 'vitest'
import { serveHandler } from '../support/guarded-server.ts'
import { REPLAYS, undecided, unneeded } from './replays.ts'

describe.each(REPLAYS.map((one) => [one.name, one] as const))('%s', (_name, one) => {
  it('are decided alike, but for what was decided on purpose', { timeout: 120_000 }, async () => {
    const cases = await one.replay(serveHandler)
    expect(cases.length).toBeGreaterThan(one.least)
    expect(undecided(one, cases)).toEqual([])
    expect(unneeded(one, cases)).toEqual([])
  })
})
