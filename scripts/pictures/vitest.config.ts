import { defineConfig } from 'vitest/config'
import unit from '../../vitest.config.ts'

export default defineConfig({
  plugins: unit.plugins ?? [],
  test: {
    setupFiles: ['tests/support/clean-process.ts'],
    include: ['scripts/pictures/*.test.ts'],
    testTimeout: 60_000,
  },
})
