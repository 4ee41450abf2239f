import { defineConfig } from 'vitest/config'
import { recording } from './tests/figures/reporter.ts'
import { canaryInTests } from './tests/secrets/canary-plugin.ts'

export default defineConfig({
  plugins: [canaryInTests()],
  test: {
    ...recording,
    setupFiles: ['tests/secrets/setup.ts'],
    globalSetup: ['tests/secrets/unit-totals.ts'],
    // Left out where all tests run for each of a thousand mutants.
    tags: [{ name: 'slow', timeout: 60_000 }],
    include: ['tests/**/*.test.ts'],
    // Many tests make an endpoint fail, and the wrapper says so on the console.
    onConsoleLog: (text) => !/^with-auth: .*(?:requests are|the request was) rejected/.test(text),
    exclude: ['tests/soak/**', 'tests/runtimes/**', 'tests/examples/**', '**/node_modules/**'],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text', 'json-summary'],
      thresholds: { 'src/core/**': { lines: 100, branches: 100, functions: 100, statements: 100 } },
    },
  },
})
