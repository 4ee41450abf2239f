import { availableParallelism } from 'node:os'
import { STRICT } from './equivalents-reporter.js'

// A part of `src` is a folder and its entry file, such as `src/yaml` and `src/yaml.ts`.
const PART = process.env['PART'] ?? 'core'
// Folders of the command are parts of their own.
const MUTATED = {
  cli: ['src/cli/*.ts', '!src/cli/announcement.ts'],
  // No mutant can be switched on in Chromium, which runs the rest.
  'cli/console': ['src/cli/console/*.ts'],
  'cli/commands': ['src/cli/commands/*.ts', '!src/cli/commands/init.ts'],
  'cli/init': ['src/cli/init/*.ts', 'src/cli/commands/init.ts'],
}
const name = PART.replace('/', '-')

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: MUTATED[PART] ?? [`src/${PART}/**/*.ts`, `src/${PART}.ts`],
  // The tests of `init` change the working folder, which a thread cannot.
  testRunner: PART === 'cli/init' ? 'command' : 'vitest',
  commandRunner: {
    command: 'npx vitest run tests/cli/commands/init.test.ts tests/documentation/generated.test.ts',
  },
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
  jsonReporter: { fileName: `.mutation/report-${name}.json` },
  thresholds: { high: 97, low: 93, break: STRICT.includes(PART) ? 97 : 93 },
  // A new run skips mutants that an earlier run killed.
  incremental: true,
  incrementalFile: `.mutation/incremental-${name}.json`,
  tempDirName: '.mutation/sandboxes',
  ignorePatterns: [
    '.mutation',
    'dist',
    'coverage',
    'bench',
    'examples/**/node_modules',
    'tests/examples',
  ],
  warnings: { slow: false },
}
