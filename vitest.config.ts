import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { textImports } from './.ci/text-imports.js'
import { recording } from './scripts/figures/reporter.ts'
import { SKIPPED } from './tests/support/skip-reporter.ts'
import { IS_NIGHTLY } from './tests/support/nightly.ts'

const SOURCE = fileURLToPath(new URL('src/', import.meta.url))

export default defineConfig({
  plugins: [
    textImports,
    {
      name: 'fetch-by-imports',
      enforce: 'pre',
      // As "imports" of package.json does on Node.
      resolveId: (source, importer) =>
        source.endsWith('/runtime-fetch.ts') && importer?.startsWith(SOURCE) === true
          ? `${SOURCE}dispatcher/node-fetch.ts`
          : undefined,
    },
  ],
  test: {
    ...recording,
    setupFiles: ['tests/support/clean-process.ts', 'tests/secrets/setup.ts'],
    globalSetup: ['tests/secrets/unit-totals.ts'],
    // `npm test` leaves out `slow` and `database`, and the mutation tester `slow`. `npm run test:slow` runs them.
    tags: [
      { name: 'slow' },
      { name: 'database', description: 'starts PostgreSQL, Redis or Valkey' },
      { name: 'reload', description: 'changes a configuration; the mutation tester runs it too' },
      { name: 'copy', description: 'loads a module again; the mutation tester leaves it out' },
    ],
    include: ['tests/**/*.test.ts'],
    // Starting a process for each file takes as long as the tests. The `setupFiles` undo what a test changed, and watch its output.
    isolate: false,
    // Keeps transformed modules on disk between runs.
    experimental: { fsModuleCache: true },
    // More than there are cores, since many tests wait for sockets and timers. Each night times are measured too.
    maxWorkers: IS_NIGHTLY ? 1 : 4 + availableParallelism(),
    // Collecting garbage takes a fifth of the time otherwise.
    execArgv: ['--max-semi-space-size=128', '--single-threaded-gc'],
    // A busy machine is ten times as slow at times.
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    // Many tests make an endpoint or an upstream fail, and the wrapper or the server says so on the console.
    onConsoleLog: (text) =>
      !/^with-auth: .*(?:requests are|the request was) rejected|^Error: aborted/.test(text) &&
      !text.startsWith(SKIPPED),
    exclude: ['tests/soak/**', 'tests/runtimes/**', 'tests/examples/**', '**/node_modules/**'],
    coverage: {
      provider: 'v8',
      // Measuring all of it takes a tenth of the time, and only these have a threshold.
      include: ['src/{core,dispatcher}/**'],
      reporter: ['text'],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
})
