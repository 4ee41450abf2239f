import { defineConfig } from 'vitest/config'
import { recording } from '../figures/reporter.ts'
import { canaryInTests } from '../secrets/canary-plugin.ts'

// Where a program beside the tests knows the token too, or prints what it was asked.
const OTHER_TOKEN = /\/(?:gateway|node-transport\.|keys\.test|raw-requests)/

export default defineConfig({
  root: import.meta.dirname,
  plugins: [canaryInTests(OTHER_TOKEN)],
  test: {
    ...recording,
    include: ['*.test.ts'],
    setupFiles: ['../secrets/setup.ts'],
    globalSetup: ['support/package-under-test.ts', '../secrets/runtimes-totals.ts'],
    // A server that does not start is given up after 15 seconds, with what it printed.
    // The port of an endpoint that is down must not be given to another test.
    fileParallelism: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
