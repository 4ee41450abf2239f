import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import { testsOf } from './parts.js'

/** The tests of the mutated module first, then those of other modules, then those of the whole: most fail early. */
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
    ...testsOf(process.env['WITH_AUTH_MUTATED'] ?? 'core'),
    tags: [{ name: 'slow' }],
    tagsFilter: ['!slow'],
    setupFiles: ['tests/mutation/setup.js'],
    // Code that counts what is run of it is slower.
    testTimeout: 10_000,
    sequence: { sequencer: NearestFirst },
    // One process imports everything once. None of these tests leaves anything behind.
    isolate: false,
  },
})
