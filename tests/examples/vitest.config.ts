import { defineConfig } from 'vitest/config'
import { canaryInTests } from '../secrets/canary-plugin.ts'

// Where a program beside the tests prints what it was asked.
const OTHER_TOKEN = /\/raw-requests/

export default defineConfig({
  root: import.meta.dirname,
  plugins: [canaryInTests(OTHER_TOKEN)],
  test: {
    include: ['*.test.ts'],
    setupFiles: ['../secrets/setup.ts'],
    globalSetup: ['support/examples-under-test.ts', '../secrets/examples-totals.ts'],
    testTimeout: 20_000,
    // A framework's production build, while the others run beside it.
    hookTimeout: 180_000,
  },
})
