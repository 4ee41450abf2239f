/** @module-tag slow */
import { expect, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { OUTCOMES, runHistories } from './histories/runs.ts'

const COUNT = Number(process.env['WITH_AUTH_HISTORIES'] ?? (IS_NIGHTLY ? 1_000_000 : 1_000))
const SEED = Number(process.env['WITH_AUTH_HISTORIES_SEED'] ?? Date.now() % 1_000_000_000)
// What was generated for one part is free before the next one starts.
const PART = 10_000
const PARTS = Array.from({ length: Math.ceil(COUNT / PART) }, (_, index) => ({
  part: `${index + 1}`,
  count: Math.min(PART, COUNT - index * PART),
  seed: SEED + index,
}))

it.for(PARTS)(
  'part $part of the histories admits exactly the requests that the endpoint allowed',
  { timeout: 600_000 },
  async ({ count, seed }, { task }) => {
    const { fault, histories, outcomes } = await runHistories(count, seed)
    if (fault !== '') throw new Error(`WITH_AUTH_HISTORIES_SEED=${seed} repeats this: ${fault}`)
    expect(histories).toBe(count)
    // Otherwise they would prove little.
    expect(new Set(Object.keys(outcomes))).toEqual(new Set(OUTCOMES))
    task.meta.figures = { histories: { count: COUNT } }
  },
)
