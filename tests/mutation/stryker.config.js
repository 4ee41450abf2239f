/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: ['src/**/*.ts'],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'tests/mutation/vitest.config.js' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Another process on the machine must not look like an endless loop.
  timeoutFactor: 2,
  timeoutMS: 10_000,
  disableTypeChecks: false,
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: '.mutation/report.json' },
  allowEmpty: true,
  incremental: true,
  tempDirName: '.mutation/sandboxes',
  ignorePatterns: ['.mutation', 'dist', 'coverage', 'bench', 'examples', 'tests/examples'],
  warnings: { slow: false },
}
