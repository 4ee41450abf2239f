import { defineConfig } from 'vitest/config'
import { recording } from '../../scripts/figures/reporter.ts'

export default defineConfig({
  root: import.meta.dirname,
  test: { ...recording, include: ['*.test.ts'] },
})
