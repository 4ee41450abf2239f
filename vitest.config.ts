import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    tags: [
      { name: 'slow', description: 'takes seconds: left out where tests run for each mutant' },
    ],
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/runtimes/**', 'tests/examples/**', '**/node_modules/**'],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text', 'json-summary'],
      thresholds: { 'src/core/**': { lines: 100, branches: 100, functions: 100, statements: 100 } },
    },
  },
})
