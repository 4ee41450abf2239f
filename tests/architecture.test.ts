import { join, posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/cli/main.ts'
import { listFiles, readText, ROOT } from './support/project.ts'
import { findCycle, MODULES } from './support/source-modules.ts'
import { words } from './support/words.ts'
import type { SourceModule } from './support/source-modules.ts'

/** How the modules of `src` depend on each other. `.oxlintrc.json` has the rules that need one file alone. */

const core = MODULES.filter(({ file }) => file.startsWith('core/'))
const entries = MODULES.filter(({ file }) => !file.includes('/'))

/** The rooms that several entries share, and what each imports beside its own files. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  files: ['node:fs', 'yaml'],
  dispatcher: ['core'],
  memory: ['core'],
  needs: ['core'],
  // Only the types of the package: a command finds it where the SDK is.
  telemetry: ['core', '@opentelemetry'],
  // Made by the entry, and by the loader of a file.
  mcp: ['core', 'needs'],
}

/** The command. It is run, and not imported. */
const COMMAND = 'cli.ts'

/** The folders and packages that an entry and its own folder may import beside `core`. */
const IMPORTS_OF_ENTRY: Readonly<Record<string, readonly string[]>> = {
  'cli.ts': [
    ...entries.map(({ file }) => file),
    // Hono makes the page of the console.
    ...words(`files hono memory pg srvx telemetry yaml node:crypto node:fs node:http node:module node:net node:os
      node:path node:process node:stream node:util`),
  ],
  'access.ts': ['needs'],
  'bun.ts': [],
  'index.ts': ['memory'],
  'express.ts': words('needs node node:http'),
  'fastify.ts': words('needs node node.ts'),
  'hono.ts': words('hono needs'),
  'forward-auth.ts': words('gateway verifiers'),
  'gateway.ts': ['verifiers'],
  'jwt.ts': words('jose verifiers'),
  'keys.ts': words('files verifiers yaml node:fs'),
  'mcp.ts': ['needs'],
  // `needs` is for what Express and Fastify share.
  'node.ts': words(
    'dispatcher gateway needs node:crypto node:http node:module node:net node:stream node:tls',
  ),
  'otel.ts': words('telemetry @opentelemetry'),
  'redis.ts': words('@redis node:crypto node:module'),
  'yaml.ts': words('access files jwt.ts keys.ts mcp memory node.ts redis.ts verifiers yaml'),
}

function importsOf(
  modules: readonly SourceModule[],
  isBad: (imported: string) => boolean,
): string[] {
  return modules.flatMap(({ file, imports }) =>
    imports.filter(isBad).map((imported) => `${file} imports ${imported}`),
  )
}

describe('core', () => {
  const roomOf = (file: string): string => file.split('/').slice(0, 2).join('/')
  /** A file directly in core, or a folder of core, with the rooms that it imports. */
  const rooms = [...new Set(core.map(({ file }) => roomOf(file)))].map((room) => {
    const modules = core.filter(({ file }) => roomOf(file) === room)
    const imports = modules.flatMap((module) => module.imports.map(roomOf))
    return { file: room, imports: [...new Set(imports)].filter((other) => other !== room) }
  })

  it('has at most 18 rooms on 9 floors, and imports go down', () => {
    expect(rooms.length).toBeLessThanOrEqual(18)
    expect(findCycle(rooms)).toBeUndefined()
    const floorOf = (room: string): number => {
      const imports = rooms.find(({ file }) => file === room)?.imports ?? []
      return 1 + Math.max(0, ...imports.map(floorOf))
    }
    expect(Math.max(...rooms.map(({ file }) => floorOf(file)))).toBeLessThanOrEqual(9)
  })

  it('has parts of a call that do not know each other: call.ts knows their order', () => {
    const parts = new Set(
      ['failures/circuit-breaker', 'failures/retry', 'slots/slots'].map(
        (name) => `core/asking/${name}.ts`,
      ),
    )
    const others = MODULES.filter(({ file }) => !/^core\/asking\/call(?:-state)?\.ts$/.test(file))
    expect(core.filter(({ file }) => parts.has(file))).toHaveLength(parts.size)
    expect(importsOf(others, (imported) => parts.has(imported))).toEqual([])
  })
})

it.each(entries)('$file imports core, its own folder and the packages of its list', ({ file }) => {
  const name = file.replace(/\.ts$/, '')
  const allowed = new Set(['core', name, ...(IMPORTS_OF_ENTRY[file] ?? [])])
  const parts = MODULES.filter(
    (module) => module.file === file || module.file.startsWith(`${name}/`),
  )
  const isBad = (imported: string): boolean => {
    const [folder = ''] = imported.split('/')
    return !allowed.has(folder) && !allowed.has(`${folder}.ts`)
  }
  expect(importsOf(parts, isBad)).toEqual([])
})

it.each(Object.entries(ROOMS))('%s imports no entry: %j', (room, others) => {
  const modules = MODULES.filter(({ file }) => file.startsWith(`${room}/`))
  const allowed = new Set([room, ...others])
  expect(modules).not.toEqual([])
  expect(
    importsOf(modules, (one) => !allowed.has(one.split('/')[0] ?? '') && !allowed.has(one)),
  ).toEqual([])
})

it('the gateway takes the signature and the text of headers from the verifiers, and nothing else', () => {
  const parts = new Set(['verifiers/upstream/header-text.ts', 'verifiers/upstream/signature.ts'])
  const gateway = MODULES.filter(({ file }) => /^gateway[./]/.test(file))
  const isElse = (imported: string): boolean =>
    imported.startsWith('verifiers') && !parts.has(imported)
  expect(importsOf(gateway, isElse)).toEqual([])
  const shared = MODULES.filter(({ file }) => parts.has(file))
  expect(importsOf(shared, (imported) => !imported.startsWith('core/'))).toEqual([])
})

it('forward auth takes headers and refusals from the gateway, and nothing that forwards', () => {
  const parts = new Set([
    'gateway/field-names.ts',
    'gateway/identity-headers.ts',
    'gateway/incoming.ts',
    'gateway/refusal.ts',
    'verifiers/upstream/address.ts',
    'verifiers/upstream/header-text.ts',
    'verifiers/upstream/signature.ts',
  ])
  const forwardAuth = MODULES.filter(({ file }) => /^forward-auth[./]/.test(file))
  const isElse = (imported: string): boolean =>
    /^(?:gateway|verifiers)[./]/.test(imported) && !parts.has(imported)
  expect(forwardAuth.length).toBeGreaterThan(4)
  expect(importsOf(forwardAuth, isElse)).toEqual([])
})

it('each module is an entry, or part of an entry or of a room that entries share', () => {
  const owners = new Set([
    'core',
    ...Object.keys(ROOMS),
    ...entries.map(({ file }) => file.replace(/\.ts$/, '')),
  ])
  const strays = MODULES.filter(
    ({ file }) => file.includes('/') && !owners.has(file.split('/')[0] ?? ''),
  )
  expect(strays.map(({ file }) => file)).toEqual([])
})

it('imports have no cycle, types included', () => {
  expect(findCycle(MODULES)).toBeUndefined()
  const cycle = [
    { file: 'a.ts', imports: ['b.ts'] },
    { file: 'b.ts', imports: ['a.ts'] },
  ]
  expect(findCycle(cycle)).toEqual(['a.ts', 'b.ts', 'a.ts'])
})

it('only index.ts re-exports, and each name by itself', () => {
  // Every export declaration begins like this. Parsing all of `src` would take seconds.
  const mayReexport = MODULES.filter(({ text }) => /^export (?:type )?[*{]/m.test(text))
  const reexports = mayReexport.flatMap(({ file, text }) =>
    ts
      .createSourceFile(file, text, ts.ScriptTarget.Latest)
      .statements.filter(ts.isExportDeclaration)
      .filter(({ moduleSpecifier }) => moduleSpecifier !== undefined)
      .map(({ exportClause }) => [file, exportClause?.kind === ts.SyntaxKind.NamedExports]),
  )
  expect(reexports).not.toEqual([])
  expect(reexports.filter(([file, isNamed]) => file !== 'index.ts' || isNamed !== true)).toEqual([])
  expect(importsOf(MODULES, (imported) => imported === COMMAND)).toEqual([])
})

it('the help names every environment variable that a command reads', () => {
  const texts = MODULES.filter(({ file }) => file.startsWith('cli/')).map(({ text }) => text)
  const read = texts.flatMap((text) => [...text.matchAll(/\benv\[?\.?'?([A-Z_]+)/g)])
  const explained = new Set(COMMANDS.flatMap(({ environment = {} }) => Object.keys(environment)))
  expect(read.length).toBeGreaterThan(3)
  expect(read.map(([, name]) => name).filter((name) => !explained.has(name ?? ''))).toEqual([])
})

describe('the budget', () => {
  const linesOf = (text: string): number => text.trimEnd().split('\n').length

  it('of a folder of src is 14 files directly in it', () => {
    const folders = MODULES.map(({ file }) => posix.dirname(file)).filter((name) => name !== '.')
    const full = [...new Set(folders)].filter(
      (name) => folders.filter((other) => other === name).length > 14,
    )
    expect(full).toEqual([])
  })

  it('of a module is 220 lines', () => {
    const long = MODULES.filter(({ text }) => linesOf(text) > 220)
    expect(long.map(({ file }) => file)).toEqual([])
  })

  it('of a test file is 350 lines', () => {
    const long = listFiles(join(ROOT, 'tests'))
      .filter((file) => /\.test(?:-d)?\.ts$/.test(file) && !file.includes('node_modules/'))
      .filter((file) => linesOf(readText(`tests/${file}`)) > 350)
    expect(long).toEqual([])
  })
})
