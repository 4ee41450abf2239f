import { afterEach, vi } from 'vitest'

/** A property runs once for each mutant: with some hundred cases, always the same ones. */
const MOST_RUNS = 300

// Stryker ends an endless loop at a hundred times as often as the line usually runs: too late, where a property runs it.
const MOST_HITS = 20_000_000
const stryker = globalThis['__stryker__']
if (stryker?.hitLimit > MOST_HITS) stryker.hitLimit = MOST_HITS

// One failure is enough. Without this the files that are left would all be imported before the run ends.
if (globalThis.hasFailed === true) throw new Error('Another test has failed already')
afterEach(({ task }) => {
  if (task.result?.state === 'fail') globalThis.hasFailed = true
})

vi.mock(import('fast-check'), async (importOriginal) => {
  const { default: original } = await importOriginal()
  const bounded = (options) => ({
    ...options,
    seed: 1,
    numRuns: Math.min(options?.numRuns ?? MOST_RUNS, MOST_RUNS),
  })
  const check = (property, options) => original.check(property, bounded(options))
  const assert = (property, options) => original.assert(property, bounded(options))
  return { default: { ...original, check, assert } }
})
