import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as gateway from '../src/gateway.ts'
import * as hono from '../src/hono.ts'
import * as index from '../src/index.ts'
import * as keys from '../src/keys.ts'
import * as node from '../src/node.ts'
import * as yaml from '../src/yaml.ts'
import { packPackage } from './support/packed-package.ts'
import { exists, readJson, readText, ROOT, sorted } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import { createModule, findCycle, MODULES, namesIn } from './support/source-modules.ts'
import type { PackedPackage } from './support/packed-package.ts'
import type { SourceModule } from './support/source-modules.ts'

interface PackageJson {
  readonly version: string
  readonly license: string
  readonly type: string
  readonly files: readonly string[]
  readonly exports: Readonly<Record<string, string | { types: string; default: string }>>
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { optional: boolean }>>
}

interface DenoJson {
  readonly version: string
  readonly license: string
  readonly exports: Readonly<Record<string, string>>
  readonly imports: Readonly<Record<string, string>>
  readonly publish: { readonly include: readonly string[] }
}

const packageJson = readJson<PackageJson>('package.json')
const denoJson = readJson<DenoJson>('deno.json')

const core = MODULES.filter(({ file }) => file.startsWith('core/'))
/** What runs on every runtime, beside core. */
const neutral = MODULES.filter(({ file }) => /^(?:gateway|index)[./]/.test(file))
const entries = MODULES.filter(({ file }) => !file.includes('/'))

/** The command is no entry to import: it is run, and made of the entries. */
const COMMAND = 'cli.ts'
/** A process for each entry, one after the other. */
const SIX_PROCESSES = { timeout: 30_000 }
const TWO_INSTALLS = { timeout: 30_000 }
const importable = entries.filter(({ file }) => file !== COMMAND)
const exportedNames = importable.map(({ file }) => file.replace(/\.ts$/, ''))

/** The packages that an entry may load; the others load none. */
const PACKAGES_OF_ENTRY: Readonly<Record<string, readonly string[]>> = {
  'cli.ts': [
    'srvx',
    'yaml',
    'node:fs',
    'node:http',
    'node:net',
    'node:os',
    'node:path',
    'node:process',
    'node:stream',
    'node:util',
  ],
  'hono.ts': ['hono'],
  'keys.ts': ['yaml', 'node:fs'],
  'node.ts': ['node:crypto', 'node:http', 'node:module', 'node:stream', 'node:tls'],
  'yaml.ts': ['yaml'],
}

/** The folder that some entries share beside core. */
const FILES = 'files'
const SHARES_FILES: ReadonlySet<string> = new Set(['cli.ts', 'keys.ts', 'yaml.ts'])

/** What only some runtimes have. Naming one, even in a string, is only for the module that looks it up. */
const RUNTIME_GLOBALS = [
  'process',
  'Buffer',
  'Deno',
  'Bun',
  'navigator',
  'document',
  'localStorage',
  'require',
  '__dirname',
  '__filename',
  'WebSocketPair',
  'EdgeRuntime',
]
const MAY_NAME: Readonly<Record<string, readonly string[]>> = {
  'core/runtime.ts': ['process', 'navigator'],
  'gateway/options.ts': ['Deno', 'Bun'],
}
const MAY_USE_GLOBAL_THIS = new Set(['core/runtime.ts'])

function importsOf(
  modules: readonly SourceModule[],
  isBad: (imported: string) => boolean,
): string[] {
  return modules.flatMap(({ file, imports }) =>
    imports.filter(isBad).map((imported) => `${file} imports ${imported}`),
  )
}

describe('imports in src go down only', () => {
  it('core imports nothing from outside itself: no entry, no package, no node: module', () => {
    expect(core.length).toBeGreaterThan(20)
    expect(importsOf(core, (imported) => !imported.startsWith('core/'))).toEqual([])
  })

  it('the folders of core and the files directly in it import each other in one direction', () => {
    const stageOf = (file: string): string => file.split('/').slice(0, 2).join('/')
    const stages = [...new Set(core.map(({ file }) => stageOf(file)))].map((stage) => {
      const imports = core
        .filter(({ file }) => stageOf(file) === stage)
        .flatMap((module) => module.imports.map(stageOf))
      return { file: stage, imports: imports.filter((imported) => imported !== stage) }
    })
    expect(stages.length).toBeLessThanOrEqual(18)
    expect(findCycle(stages)).toBeUndefined()
  })

  it('a policy imports no other policy: only compose.ts knows them', () => {
    const names = [
      'cache/cache',
      'circuit-breaker',
      'deadline',
      'known-tokens',
      'limit',
      'retry',
      'shared-calls',
    ]
    const policies = new Set(names.map((name) => `core/policies/${name}.ts`))
    const others = core.filter(({ file }) => file !== 'core/policies/compose.ts')
    expect(core.filter(({ file }) => policies.has(file))).toHaveLength(names.length)
    expect(importsOf(others, (imported) => policies.has(imported))).toEqual([])
  })

  it('files imports nothing from outside itself but yaml and the types of node:fs', () => {
    const files = MODULES.filter(({ file }) => file.startsWith(`${FILES}/`))
    expect(files).not.toEqual([])
    const isOutside = (imported: string): boolean => !imported.startsWith(`${FILES}/`)
    const outside = files.flatMap(({ imports }) => imports.filter(isOutside))
    expect(sorted([...new Set(outside)])).toEqual(['node:fs', 'yaml'])
  })

  it.each(entries)(
    '$file imports core, its own parts and packages, and no other entry but for the command',
    (entry) => {
      const name = entry.file.replace(/\.ts$/, '')
      const composed = entry.file === COMMAND ? importable.map(({ file }) => file) : []
      const packages = [...(PACKAGES_OF_ENTRY[entry.file] ?? []), ...composed]
      const shared = SHARES_FILES.has(entry.file) ? [FILES] : []
      const parts = MODULES.filter(({ file }) => file.startsWith(`${name}/`))
      const isBad = (imported: string): boolean =>
        ![`core`, name, ...shared, ...packages].includes(imported.split('/')[0] ?? '')
      expect(importsOf([entry, ...parts], isBad)).toEqual([])
    },
  )

  it('every module is an entry, or part of one, or of core or files', () => {
    const owners = new Set(['core', FILES, ...entries.map(({ file }) => file.replace(/\.ts$/, ''))])
    const strays = MODULES.filter(
      ({ file }) => file.includes('/') && !owners.has(file.split('/')[0] ?? ''),
    )
    expect(strays.map(({ file }) => file)).toEqual([])
  })

  it('what is imported exists, by its name in full', () => {
    const files = new Set(MODULES.map(({ file }) => file))
    const isInside = (imported: string): boolean => imported.endsWith('.ts')
    expect(importsOf(MODULES, (imported) => isInside(imported) && !files.has(imported))).toEqual([])
  })

  it('there is no cycle, types included', () => {
    expect(findCycle(MODULES)).toBeUndefined()
    const knot = [
      createModule('core/a.ts', "import type { B } from './b.ts'"),
      createModule('core/b.ts', "export { a } from './a.ts'"),
    ]
    expect(findCycle(knot)).toEqual(['core/a.ts', 'core/b.ts', 'core/a.ts'])
  })
})

describe('there are no barrels', () => {
  const reexports = (module: SourceModule): ts.ExportDeclaration[] =>
    module.source.statements
      .filter(ts.isExportDeclaration)
      .filter(({ moduleSpecifier }) => moduleSpecifier !== undefined)

  it('nothing is exported without its name', () => {
    const stars = MODULES.filter((module) =>
      reexports(module).some(
        ({ exportClause }) => exportClause?.kind !== ts.SyntaxKind.NamedExports,
      ),
    )
    expect(stars.map(({ file }) => file)).toEqual([])
  })

  it('index.ts does nothing but re-export, and no other module re-exports', () => {
    const passing = MODULES.filter((module) => reexports(module).length > 0)
    expect(passing.map(({ file }) => file)).toEqual(['index.ts'])
    expect(passing[0]?.source.statements.every(ts.isExportDeclaration)).toBe(true)
  })
})

describe('core runs anywhere', () => {
  const found = (module: SourceModule, wanted: readonly string[]): string[] => {
    const names = namesIn(module)
    return wanted.filter((name) => names.has(name)).map((name) => `${module.file} names ${name}`)
  }

  it('and names no global of one runtime', () => {
    expect(neutral.length).toBeGreaterThan(10)
    const problems = [...core, ...neutral].flatMap((module) => {
      const allowed = MAY_NAME[module.file] ?? []
      return found(
        module,
        RUNTIME_GLOBALS.filter((name) => !allowed.includes(name)),
      )
    })
    expect(problems).toEqual([])
  })

  it('globalThis is asked only for what may be missing or replaced', () => {
    const others = core.filter(({ file }) => !MAY_USE_GLOBAL_THIS.has(file))
    expect(others.flatMap((module) => found(module, ['globalThis']))).toEqual([])
  })

  it('the check sees a global however it is named', () => {
    const sees = (text: string): boolean =>
      found(createModule('core/x.ts', text), ['process']).length === 1
    expect(sees('process.env')).toBe(true)
    expect(sees('globalThis.process')).toBe(true)
    expect(sees("Reflect.get(globalThis, 'process')")).toBe(true)
    expect(sees('globalThis[`process`]')).toBe(true)
    expect(sees('// process\nexport {}')).toBe(false)
  })
})

describe('package.json and deno.json', () => {
  it('export the same, each the module of its name', () => {
    const { './package.json': self, './schema.json': schema, ...exported } = packageJson.exports
    expect(self).toBe('./package.json')
    expect(schema).toBe('./schema.json')
    expect(Object.keys(denoJson.exports)).toEqual(Object.keys(exported))
    expect(sorted(Object.keys(exported).map(nameOf))).toEqual(exportedNames)
    for (const [subpath, target] of Object.entries(exported)) {
      const name = nameOf(subpath)
      expect(target).toEqual({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` })
      expect(denoJson.exports[subpath]).toBe(`./src/${name}.ts`)
    }
  })

  it('name the command, which nobody imports', () => {
    expect(packageJson.bin).toEqual({ 'with-auth': `dist/${COMMAND.replace('.ts', '.js')}` })
    expect(importsOf(MODULES, (imported) => imported === COMMAND)).toEqual([])
    expect(readText(`src/${COMMAND}`)).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('agree on version, licence and dependencies', () => {
    expect(denoJson.version).toBe(packageJson.version)
    expect(denoJson.license).toBe(packageJson.license)
    const specifiers = Object.entries(packageJson.dependencies).map(([name, range]) => [
      name,
      `npm:${name}@${range}`,
    ])
    // JSR knows no peers.
    const peer = `npm:hono@${packageJson.peerDependencies['hono']}`
    expect(denoJson.imports).toEqual({ hono: peer, ...Object.fromEntries(specifiers) })
  })

  it('name as dependencies what the entries load, and nothing else', () => {
    const { hono: _, ...peers } = packageJson.peerDependencies
    const loaded = Object.values(PACKAGES_OF_ENTRY)
      .flat()
      .filter((name) => !name.startsWith('node:'))
    const named = [...Object.keys(packageJson.dependencies), 'hono']
    expect(sorted(named)).toEqual(sorted(new Set(loaded)))
    expect(peers).toEqual({ undici: expect.any(String) as unknown })
  })

  it('let npm install nothing for the middleware and for `nodeTransport`', () => {
    const lowest = readJson<PackageJson>('node_modules/hono-lowest/package.json')
    expect(packageJson.peerDependencies).toEqual({
      hono: `^${lowest.version}`,
      undici: '^7.28.0 || ^8.5.0',
    })
    const optional = { optional: true }
    expect(packageJson.peerDependenciesMeta).toEqual({ hono: optional, undici: optional })
  })

  it('have their version in the changelog', () => {
    expect(readText('CHANGELOG.md')).toContain(packageJson.version)
  })

  it('publish what JSR needs, and it is there', () => {
    const { include } = denoJson.publish
    expect(include).toEqual(expect.arrayContaining(['src', 'README.md', 'LICENSE', 'CHANGELOG.md']))
    expect(include.filter((file) => !exists(file))).toEqual([])
  })
})

describe('the published package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-'))
  let packed: PackedPackage

  beforeAll(() => {
    packed = packPackage(folder)
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('holds a file for each entry and folder, their types, the schema and four files to read, and nothing else', () => {
    const names = MODULES.map(({ file }) => file.replace(/\.ts$/, ''))
    const types = names.map((name) => `dist/${name}.d.ts`)
    const roots = names.map((name) => (name.includes('/') ? `parts/${name.split('/')[0]}` : name))
    const emitted = [...types, ...new Set(roots.map((name) => `dist/${name}.js`))]
    const toRead = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'schema.json']
    expect(packed.files).toEqual(sorted([...emitted, ...toRead]))
  })

  it('holds no import that leads nowhere, and no pointer to a source map', () => {
    const problems = packed.files
      .filter((file) => file.startsWith('dist/'))
      .flatMap((file) => problemsOf(packed, file))
    expect(problems).toEqual([])
  })

  it.each(['module', 'commonjs'] as const)('loads by its name from a %s', SIX_PROCESSES, (type) => {
    const load = (name: string): string =>
      type === 'module' ? `await import('${name}')` : `require('${name}')`
    const keysOf = (name: string): string[] => {
      const script = `console.log(JSON.stringify(Object.keys(${load(name)})))`
      return JSON.parse(packed.run(script, type)) as string[]
    }
    expect(withoutInterop(keysOf('with-auth'))).toEqual(sorted(Object.keys(index)))
    expect(withoutInterop(keysOf('with-auth/gateway'))).toEqual(sorted(Object.keys(gateway)))
    expect(withoutInterop(keysOf('with-auth/hono'))).toEqual(sorted(Object.keys(hono)))
    expect(withoutInterop(keysOf('with-auth/keys'))).toEqual(sorted(Object.keys(keys)))
    expect(withoutInterop(keysOf('with-auth/node'))).toEqual(sorted(Object.keys(node)))
    expect(withoutInterop(keysOf('with-auth/yaml'))).toEqual(sorted(Object.keys(yaml)))
  })

  it.each([
    ['no undici', undefined, 'the package "undici" is not installed: npm install undici@7'],
    [
      'an old undici',
      '6.21.0',
      'it needs undici 7.28 or later, or 8.5 or later, found 6.21.0: npm install undici@7',
    ],
    // There is nothing in it, so it does not load.
    [
      'an undici for a newer Node',
      '99.0.0',
      `undici 99 does not load on Node ${process.versions.node}: npm install undici@7`,
    ],
  ])('refuses nodeTransport() at once with %s, and nothing else', (_what, version, message) => {
    const alone = mkdtempSync(join(tmpdir(), 'with-auth-alone-'))
    cpSync(join(packed.folder, 'dist'), join(alone, 'dist'), { recursive: true })
    writeFileSync(join(alone, 'package.json'), '{"type":"module"}')
    const undici = join(alone, 'node_modules/undici')
    mkdirSync(undici, { recursive: true })
    if (version !== undefined) {
      writeFileSync(join(undici, 'package.json'), JSON.stringify({ version }))
    }
    const script = `
      const { createNodeAuthenticator, nodeTransport } = await import('./dist/node.js')
      createNodeAuthenticator({ endpoint: 'https://auth.example.com/' })
      nodeTransport({ dispatcher: { dispatch: () => true } })
      try { nodeTransport() } catch ({ name, message }) { console.log(name, message) }
    `
    const args = ['--input-type=module', '--eval', script]
    const printed = execFileSync(process.execPath, args, { cwd: alone, encoding: 'utf8' })
    rmSync(alone, { recursive: true, force: true })
    expect(printed).toBe(`AuthConfigError nodeTransport() cannot be used: ${message}\n`)
  })

  describe('installed by npm', () => {
    const modules = join(ROOT, 'node_modules')
    let app: string

    beforeAll(() => {
      app = mkdtempSync(join(tmpdir(), 'with-auth-app-'))
      writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}')
      install(packed.folder, join(modules, 'srvx'), join(modules, 'yaml'))
    }, 60_000)
    afterAll(() => rmSync(app, { recursive: true, force: true }))

    /** Installs these folders as if they came from the registry, which is not asked. */
    function install(...folders: string[]): void {
      const options = ['--install-links', '--offline', '--ignore-scripts', '--no-audit']
      execFileSync('npm', ['install', ...options, ...folders], { cwd: app, stdio: 'pipe' })
    }

    function runApp(script: string): string {
      const args = ['--input-type=module', '--eval', script]
      return execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8' }).trim()
    }

    it('runs its demo without Hono, and the middleware says that Hono is missing', async () => {
      expect(existsSync(join(app, 'node_modules/hono'))).toBe(false)
      const cli = join(app, 'node_modules/.bin/with-auth')
      const demo = spawnProgram(cli, ['demo'], { cwd: app, env: { TMPDIR: app } })
      await demo.printed(/Ctrl-C/)
      demo.kill('SIGTERM')
      await demo.ended
      const script = "import('with-auth/hono').catch((error) => console.log(error.message))"
      expect(runApp(script)).toContain("Cannot find package 'hono'")
    })

    it(
      'shares the copy of Hono of the app, whose onError knows the rejection',
      TWO_INSTALLS,
      () => {
        for (const copy of ['hono-lowest', 'hono']) {
          install(join(modules, copy))
          const script = `
          import { Hono } from 'hono'
          import { HTTPException } from 'hono/http-exception'
          import { auth } from 'with-auth/hono'
          const app = new Hono().use(auth({ endpoint: 'https://auth.example.com/' }))
          const statuses = [(await app.request('/')).status]
          app.onError((e) => (e instanceof HTTPException ? e.getResponse() : new Response('', { status: 500 })))
          statuses.push((await app.request('/')).status)
          console.log(JSON.stringify(statuses))
        `
          expect(JSON.parse(runApp(script))).toEqual([401, 401])
          expect(existsSync(join(app, 'node_modules/with-auth/node_modules'))).toBe(false)
        }
      },
    )
  })

  it('gives away nothing else by name', () => {
    const script =
      "import('with-auth/core/response/admission.js').catch((e) => console.log(e.code))"
    expect(packed.run(script, 'module').trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

function nameOf(subpath: string): string {
  return subpath === '.' ? 'index' : subpath.slice('./'.length)
}

function problemsOf({ folder, files }: PackedPackage, file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8')
  const lost = ts
    .preProcessFile(text)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(file), specifier))
    // In a declaration TypeScript reads `./x.ts` as `./x.d.ts`.
    .map((target) => (file.endsWith('.d.ts') ? target.replace(/\.ts$/, '.d.ts') : target))
    .filter((target) => !files.includes(target) || !existsSync(join(folder, target)))
    .map((target) => `${file} imports ${target}`)
  return text.includes('sourceMappingURL') ? [...lost, `${file} points to a source map`] : lost
}

// Node adds these for callers of `require`.
function withoutInterop(names: readonly string[]): string[] {
  return sorted(names.filter((name) => name !== '__esModule' && name !== 'module.exports'))
}
