// Writes the package into `dist`, or into the folder named as argument, which is not emptied first.
// There is one JavaScript file for each entry and each folder of `src`, and one for `core` and `memory` together: a runtime loads one
// file faster than twenty, and Node takes half a millisecond for each. A bundler drops what is not used within a file too.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { textImports } from './text-imports.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const entries = readdirSync(`${root}/src`).filter((name) => name.endsWith('.ts'))
// A folder stands before the folders that import it, because a part takes along what it imports.
const CONSOLE = 'cli/console'
const folders = [
  'core',
  'dispatcher',
  'files',
  // The gateway and forward auth need no more of the verifiers.
  'verifiers/upstream/signature',
  'needs',
  'mcp',
  'access',
  'bun',
  'verifiers/upstream/address',
  'verifiers',
  'jwt',
  'keys',
  'telemetry',
  'otel',
  'redis',
  'yaml',
  'gateway',
  'hono',
  'forward-auth',
  'node',
  'cli',
  CONSOLE,
]
/** The main entry loads them together. */
const TOGETHER = { core: '(?:core|memory)' }
// It takes the place of the entry on Workers, and must not load what that imports.
const ON_WORKERS = 'redis/workerd'
// It waits for the console, which imports the part of the commands.
const COMMAND = String.raw`cli\.ts`
// By "imports" in package.json, a bundle for other runtimes than Node gets what takes the place of Node's way.
const FETCHES = {
  'fetch/node': 'dispatcher/node-fetch',
  'fetch/plain': 'core/endpoint/runtime-fetch',
}

/** Hono is in the file of the console, with its licence, so that nobody has to install it. Apps bring their own for with-auth/hono. */
const LICENCE = readFileSync(`${root}/node_modules/hono/LICENSE`, 'utf8')
const isForConsole = (id, importer = '') =>
  /^hono(?:\/|$)/.test(id) && importer.includes(`/src/${CONSOLE}/`)

/** What is no part of a folder: folders within it that are a part of their own, and files that take the place of others. */
function apartFrom(folder) {
  const parts = folders.filter((name) => name.startsWith(`${folder}/`))
  return [...parts, ON_WORKERS, FETCHES['fetch/plain'], COMMAND]
}

const dir = process.argv[2] ?? `${root}/dist`
if (process.argv[2] === undefined) rmSync(dir, { recursive: true, force: true })
await build({
  cwd: root,
  input: Object.fromEntries([
    ...[...entries.map((name) => name.replace(/\.ts$/, '')), ON_WORKERS].map((name) => [
      name,
      `src/${name}.ts`,
    ]),
    ...Object.entries(FETCHES).map(([name, file]) => [name, `src/${file}.ts`]),
  ]),
  platform: 'neutral',
  external: (id, importer) => /^(?![./\0])/.test(id) && !isForConsole(id, importer),
  plugins: [
    textImports,
    {
      name: 'fetch-by-imports',
      resolveId: (source, importer) =>
        source.endsWith('/runtime-fetch.ts') && importer !== undefined
          ? { id: '#fetch', external: true }
          : undefined,
    },
    {
      name: 'redis-by-exports',
      // By the exports of the package, a bundle for Workers gets what takes its place there, and no @redis/client.
      resolveId: (source, _, { kind }) =>
        kind === 'dynamic-import' && source === '../redis.ts'
          ? { id: 'with-auth/redis', external: true }
          : undefined,
    },
  ],
  output: {
    dir,
    chunkFileNames: 'parts/[name].js',
    banner: ({ name }) => (name === CONSOLE ? `/*! hono\n${LICENCE}*/` : ''),
    // package.json names one of them in its "imports".
    minifyInternalExports: false,
    codeSplitting: {
      groups: folders.map((name, index) => ({
        name,
        test: new RegExp(
          `/src/(?!${apartFrom(name).join('|')})${TOGETHER[name] ?? name}(?:/|\\.ts$)`,
        ),
        priority: folders.length - index,
      })),
    },
  },
})
// An entry, so that nothing of it is dropped; what it exports is in a part.
rmSync(`${dir}/fetch/node.js`)
const types = ['node_modules/typescript/bin/tsc', '--emitDeclarationOnly', '--outDir', dir]
execFileSync(process.execPath, types, { cwd: root, stdio: 'inherit' })
