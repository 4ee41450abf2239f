import { defineConfig } from 'vitest/config'
import { recording } from '../figures/reporter.ts'

/** A million strings for each parser, and times in milliseconds: for a release, on a machine with nothing else to do. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    ...recording,
    include: ['*.test.ts', '*.long.ts'],
    env: { WITH_AUTH_STRINGS: '1000000' },
    fileParallelism: false,
    tags: [{ name: 'slow' }],
  },
})
