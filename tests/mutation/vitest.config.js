import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'

const PART = process.env['PART'] ?? 'core'
// The tests of all of `src` would take a minute for each mutant.
const TESTS_BESIDE = {
  core: ['tests/fail-closed.test.ts', 'tests/hono.test.ts', 'tests/leaks.test.ts'],
  gateway: ['tests/gateway-sockets.test.ts'],
}

/** The tests of the mutated file first, then those of other files, then those of the whole part: most mutants die early. */
class NearestFirst extends BaseSequencer {
  async sort(files) {
    return files.toSorted((one, other) => this.distance(one) - this.distance(other))
  }

  distance({ moduleId }) {
    const { root, related } = this.ctx.config
    const test = relative(root, moduleId)
    const mirrored = test.replace(/^tests/, 'src').replace('.test.ts', '.ts')
    if (related?.some((file) => file.endsWith(mirrored))) return 0
    return test.split('/').length > 2 ? 1 : 2
  }
}

export default defineConfig({
  test: {
    include: [`tests/${PART}.test.ts`, `tests/${PART}/**/*.test.ts`, ...(TESTS_BESIDE[PART] ?? [])],
    // Starts the built package, in which nothing is mutated.
    exclude: ['tests/cli.test.ts'],
    tags: [{ name: 'slow' }],
    tagsFilter: ['!slow'],
    // Code that counts what is run of it is slower.
    testTimeout: 20_000,
    sequence: { sequencer: NearestFirst },
    setupFiles: ['tests/support/clean-process.ts'],
    isolate: false,
  },
})
