import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['*.test.ts'],
    globalSetup: ['support/package-under-test.ts'],
    // A server that does not start is given up after 15 seconds, with what it printed.
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
