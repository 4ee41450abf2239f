import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['*.test.ts'],
    setupFiles: ['../secrets/setup.ts'],
    globalSetup: ['support/examples-under-test.ts', '../secrets/examples-totals.ts'],
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // A framework's production build, while the others run beside it.
    hookTimeout: 180_000,
  },
})
