// `src` is mutated part by part: a folder, and the entry beside it.
const PART = process.env['PART'] ?? 'core'

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: [`src/${PART}/**/*.ts`, `src/${PART}.ts`],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', import.meta.resolve('./equivalents-reporter.js')],
  vitest: { configFile: 'tests/mutation/vitest.config.js' },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Another process on the machine must not look like an endless loop.
  timeoutFactor: 2,
  timeoutMS: 10_000,
  disableTypeChecks: false,
  reporters: ['json', 'progress-append-only', 'equivalents'],
  jsonReporter: { fileName: `.mutation/report-${PART}.json` },
  thresholds: { high: 97, low: 93, break: PART === 'core' ? 97 : 85 },
  // What was killed is not tried again: a run that was ended goes on where it was.
  incremental: true,
  incrementalFile: `.mutation/incremental-${PART}.json`,
  tempDirName: '.mutation/sandboxes',
  ignorePatterns: ['.mutation', 'dist', 'coverage', 'bench', 'examples', 'tests/examples'],
  warnings: { slow: false },
}
