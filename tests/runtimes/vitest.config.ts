import { defineConfig } from 'vitest/config'
import { recording } from '../../scripts/figures/reporter.ts'

// They measure, so each runs after the other files, and alone.
const ALONE = ['endpoint-faults.test.ts', 'costs.test.ts']

const each = {
  root: import.meta.dirname,
}
const test = {
  include: ['*.test.ts'],
  setupFiles: ['../secrets/setup.ts'],
  // A server that does not start is given up after 40 seconds, with what it printed.
  testTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
  hookTimeout: 60_000,
}

export default defineConfig({
  ...each,
  test: {
    ...test,
    ...recording,
    globalSetup: ['support/package-under-test.ts', '../secrets/runtimes-totals.ts'],
    maxWorkers: 3,
    projects: [
      { ...each, test: { ...test, name: 'together', exclude: ALONE, sequence: { groupOrder: 0 } } },
      ...ALONE.map((file, index) => ({
        ...each,
        test: { ...test, name: file, include: [file], sequence: { groupOrder: index + 1 } },
      })),
    ],
  },
})
