import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import unit from '../../vitest.config.ts'

const PART = process.env['PART'] ?? 'core'
// Running all tests would take a minute for each mutant.
const TESTS_BESIDE = {
  // It tells which rule of a policy applies.
  access: ['tests/cli/explain/*.test.ts', 'tests/cli/commands/explain.test.ts'],
  cli: ['tests/cli/commands/{check,config*,endpoint,explain,keys,key-retirement,usage}.test.ts'],
  // They start databases.
  'cli/announcement': ['tests/cli/commands/key-{announcement,database}.test.ts'],
  'cli/check': ['tests/cli/commands/check.test.ts'],
  'cli/commands': [
    'tests/cli/*.test.ts',
    'tests/cli/console/*.test.ts',
    'tests/cli/watch/*.test.ts',
  ],
  'cli/conformance': ['tests/cli/check/*.test.ts', 'tests/cli/commands/{check,endpoint}.test.ts'],
  'cli/console': ['tests/cli/commands/keys.test.ts'],
  'cli/explain': ['tests/cli/commands/explain.test.ts', 'tests/cli/watch/*.test.ts'],
  'cli/gateway': [
    'tests/cli/commands.test.ts',
    'tests/cli/commands/{forward-auth,gateway*,usage}.test.ts',
    'tests/cli/metrics/listener.test.ts',
    'tests/cli/watch/commands.test.ts',
  ],
  'cli/metrics': ['tests/cli/commands/gateway.test.ts'],
  'cli/serving': [
    'tests/cli/serve*.test.ts',
    'tests/cli/commands/{endpoint,gateway*}.test.ts',
    'tests/cli/metrics/listener.test.ts',
    'tests/cli/watch/{commands,place}.test.ts',
  ],
  'cli/watch': ['tests/cli/console/serve-console.test.ts', 'tests/cli/gateway/live-guard.test.ts'],
  core: [
    'tests/fail-closed.test.ts',
    'tests/hono.test.ts',
    'tests/leaks.test.ts',
    'tests/path-attacks.test.ts',
    // They read the problems of options.
    'tests/yaml/auth-section.test.ts',
    'tests/yaml/option-problems.test.ts',
    'tests/yaml/problems.test.ts',
    'tests/yaml/references.test.ts',
    'tests/yaml/providers/older-forms.test.ts',
    // They have claims at paths, and tenants.
    'tests/verifiers/claims.test.ts',
    'tests/verifiers/introspection-answers.test.ts',
    'tests/verifiers/tenancy.test.ts',
    // They ask services over both transports.
    'tests/dispatcher/node-fetch.test.ts',
    'tests/verifiers/ask.test.ts',
    // They use the core with a cache, a resource, the routes of Bun or a span.
    'tests/bun.test.ts',
    'tests/mcp/metadata.test.ts',
    'tests/mcp/options.test.ts',
    'tests/memory/cache.test.ts',
    'tests/memory/partitions.test.ts',
    'tests/memory/sharing.test.ts',
    'tests/memory/stale-and-outdated.test.ts',
    'tests/telemetry/spans.test.ts',
  ],
  dispatcher: [
    'tests/node/node-transport.test.ts',
    'tests/verifiers/ask.test.ts',
    'tests/core/endpoint/endpoint.test.ts',
  ],
  fastify: ['tests/express.test.ts'],
  files: [
    'tests/keys/file/lone-mount.test.ts',
    'tests/node/node-version.test.ts',
    'tests/yaml/document.test.ts',
  ],
  'forward-auth': ['tests/path-attacks.test.ts'],
  gateway: [
    'tests/gateway-sockets.test.ts',
    // They have the connections that become WebSockets.
    'tests/gateway-websockets.test.ts',
    'tests/gateway-ws.test.ts',
    // A server checks what the gateway has signed.
    'tests/verifiers/upstream/gateway.test.ts',
  ],
  // They have what operators read about tokens and keys.
  jwt: ['tests/cli/explain/advice.test.ts', 'tests/verifiers/explanations.test.ts'],
  keys: [
    'tests/cli/commands.test.ts',
    'tests/cli/commands/key-database.test.ts',
    'tests/cli/commands/key-retirement.test.ts',
    'tests/cli/commands/keys.test.ts',
    'tests/path-attacks.test.ts',
    // It has the runtimes without a file system.
    'tests/node/node-version.test.ts',
  ],
  memory: [
    'tests/core/response/recall.test.ts',
    // It counts what a cache costs that keeps no expired allow.
    'tests/core/asking/costs.test.ts',
  ],
  needs: ['tests/access.test.ts', 'tests/access/*.test.ts', 'tests/hono/access.test.ts'],
  node: [
    'tests/express.test.ts',
    // They have the connections and the WebSockets of a gateway.
    'tests/gateway-sockets.test.ts',
    'tests/gateway-websockets.test.ts',
    'tests/gateway-ws.test.ts',
  ],
  // It has the revocations that a cache hands on to a store.
  redis: ['tests/memory/memory-cache.test.ts'],
  // Both ways to tell the numbers, and spans.
  telemetry: ['tests/otel.test.ts', 'tests/otel/*.test.ts', 'tests/cli/metrics/*.test.ts'],
  verifiers: [
    // They use what keys of issuers share with introspection: metadata, and tries with pauses.
    'tests/jwt/discovery.test.ts',
    'tests/jwt/outage.test.ts',
    // They have the random keys, names in UTF-8, and tenants in their one form.
    'tests/cli/proof.test.ts',
    'tests/gateway/identity-encoding.test.ts',
    'tests/keys/file/fields.test.ts',
  ],
  // They have files without `server.auth`, and warnings with their lines.
  yaml: [
    'tests/cli/check/file.test.ts',
    'tests/cli/commands/usage.test.ts',
    // It prints providers, with their defaults.
    'tests/cli/commands/config-providers.test.ts',
  ],
}

/** Runs the tests of the mutated file first and the tests of the whole part last, so that most mutants die early. */
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
  plugins: unit.plugins,
  test: {
    include: [
      `tests/${PART}.test.ts`,
      // Folders of the command are parts of their own.
      PART === 'cli' ? 'tests/cli/*.test.ts' : `tests/${PART}/**/*.test.ts`,
      // They have the wrong options of every part, its options as data, and its options and commands as pages.
      'tests/options.test.ts',
      'tests/wrong-options.test.ts',
      'tests/verifiers/wrong-options.test.ts',
      'tests/schema.test.ts',
      'tests/documentation/generated.test.ts',
      ...(TESTS_BESIDE[PART] ?? []),
    ],
    // It changes the working folder, which a thread cannot.
    exclude: ['tests/cli/commands/init.test.ts'],
    tags: [{ name: 'slow' }, { name: 'database' }, { name: 'reload' }, { name: 'copy' }],
    // It would take what runs when a module is loaded for the work of one test.
    tagsFilter: ['(!slow || reload) && !copy'],
    // The mutation tester learns what code a test runs, and only if no other test runs beside it.
    maxConcurrency: 1,
    // Instrumented code is slower.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: unit.test?.expect,
    sequence: { sequencer: NearestFirst },
    setupFiles: ['tests/support/clean-process.ts'],
    isolate: false,
  },
})
