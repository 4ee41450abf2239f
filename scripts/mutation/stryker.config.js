import { availableParallelism } from 'node:os'
import { STRICT } from './equivalents-reporter.js'

// A part of `src` is a folder and its entry file, such as `src/yaml` and `src/yaml.ts`.
const PART = process.env['PART'] ?? 'core'

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: [`src/${PART}/**/*.ts`, `src/${PART}.ts`],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', import.meta.resolve('./equivalents-reporter.js')],
  vitest: { configFile: 'scripts/mutation/vitest.config.js' },
  coverageAnalysis: 'perTest',
  // Such as a pattern at the top of a module: no test covers it alone, so each of them would run all tests.
  ignoreStatic: process.env['WITH_AUTH_NIGHTLY'] === undefined,
  // More than there are cores, since many tests wait for timers and sockets.
  concurrency: 2 * availableParallelism() + 1,
  // A busy machine must not look like an endless loop.
  timeoutFactor: 2,
  timeoutMS: 10_000,
  disableTypeChecks: false,
  reporters: ['json', 'progress-append-only', 'equivalents'],
  jsonReporter: { fileName: `.mutation/report-${PART}.json` },
  thresholds: { high: 97, low: 93, break: STRICT.includes(PART) ? 97 : 85 },
  // A new run skips mutants that an earlier run killed.
  incremental: true,
  incrementalFile: `.mutation/incremental-${PART}.json`,
  tempDirName: '.mutation/sandboxes',
  ignorePatterns: [
    '.mutation',
    'dist',
    'coverage',
    'bench',
    'examples',
    '!examples/grafana',
    'tests/examples',
  ],
  warnings: { slow: false },
}
