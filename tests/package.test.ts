import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as access from '../src/access.ts'
import * as bun from '../src/bun.ts'
import * as express from '../src/express.ts'
import * as fastify from '../src/fastify.ts'
import * as forwardAuth from '../src/forward-auth.ts'
import * as gateway from '../src/gateway.ts'
import * as hono from '../src/hono.ts'
import * as index from '../src/index.ts'
import * as jwt from '../src/jwt.ts'
import * as keys from '../src/keys.ts'
import * as mcp from '../src/mcp.ts'
import * as node from '../src/node.ts'
import * as otel from '../src/otel.ts'
import * as redis from '../src/redis.ts'
import * as testing from '../src/testing.ts'
import * as verifiers from '../src/verifiers.ts'
import * as yaml from '../src/yaml.ts'
import { TEMPLATES } from '../src/cli/init/templates.ts'
import { packPackage } from './support/packed-package.ts'
import { readJson, readText, ROOT, sorted } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import { MODULES } from './support/source-modules.ts'
import type { PackedPackage } from './support/packed-package.ts'

interface PackageJson {
  readonly version: string
  readonly license: string
  readonly type: string
  readonly imports: { readonly '#fetch': Readonly<Record<string, string>> }
  readonly exports: Readonly<
    Record<string, string | { types: string; workerd?: string; default: string }>
  >
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

/** The command is run, and not imported. */
const COMMAND = 'cli.ts'
const exportedNames = MODULES.map(({ file }) => file)
  .filter((file) => !file.includes('/') && file !== COMMAND)
  .map((file) => file.replace(/\.ts$/, ''))
/** The files that `with-auth init` writes. */
const TO_COPY = [...TEMPLATES.values()]
  .flatMap(({ files }) => files)
  .map((file) => `examples/${file}`)

describe('package.json and deno.json', () => {
  it('export the same entries', () => {
    const { './package.json': self, './schema.json': schema, ...exported } = packageJson.exports
    expect(self).toBe('./package.json')
    expect(schema).toBe('./schema.json')
    expect(Object.keys(denoJson.exports)).toEqual(Object.keys(exported))
    expect(sorted(Object.keys(exported).map(nameOf))).toEqual(exportedNames)
    for (const [subpath, target] of Object.entries(exported)) {
      const name = nameOf(subpath)
      const onWorkers = name === 'redis' ? { workerd: './dist/redis/workerd.js' } : {}
      const [types, byDefault] = [`./dist/${name}.d.ts`, `./dist/${name}.js`]
      expect(target).toEqual({ types, ...onWorkers, default: byDefault })
      expect(denoJson.exports[subpath]).toBe(`./src/${name}.ts`)
    }
  })

  it('name the command', () => {
    expect(packageJson.bin).toEqual({ 'with-auth': `dist/${COMMAND.replace('.ts', '.js')}` })
    expect(readText(`src/${COMMAND}`)).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('agree on version, licence and dependencies', () => {
    expect(denoJson.version).toBe(packageJson.version)
    expect(denoJson.license).toBe(packageJson.license)
    const specifiers = Object.entries(packageJson.dependencies).map(([name, range]) => [
      name,
      `npm:${name}@${range}`,
    ])
    // JSR has no peer dependencies.
    const peers = ['@opentelemetry/api', '@redis/client', 'hono'].map((name) => [
      name,
      `npm:${name}@${packageJson.peerDependencies[name]}`,
    ])
    expect(denoJson.imports).toEqual(Object.fromEntries([...peers, ...specifiers]))
  })

  it('name each package that src imports, and no other', () => {
    const loaded = MODULES.flatMap(({ imports }) => imports)
      .filter((name) => !/\.tsx?(?:\?text)?$|\.css\?text$|^node:/.test(name))
      .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
    const peers = ['hono', 'pg', '@opentelemetry/api', '@redis/client']
    const named = [...Object.keys(packageJson.dependencies), ...peers]
    expect(sorted(named)).toEqual(sorted(new Set(loaded)))
  })

  it('name @opentelemetry/api, @redis/client, hono, pg and undici as optional peers', () => {
    const lowest = readJson<PackageJson>('node_modules/hono-lowest/package.json')
    expect(packageJson.peerDependencies).toEqual({
      '@opentelemetry/api': '^1.9.0',
      '@redis/client': '^6.3.0',
      hono: `^${lowest.version}`,
      pg: '^8.0.0',
      undici: '^7.28.0 || ^8.5.0',
    })
    const optional = { optional: true }
    expect(packageJson.peerDependenciesMeta).toEqual({
      '@opentelemetry/api': optional,
      '@redis/client': optional,
      hono: optional,
      pg: optional,
      undici: optional,
    })
  })
})

describe('the published package', { tags: ['slow'] }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-'))
  let packed: PackedPackage

  beforeAll(() => {
    packed = packPackage(folder)
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('holds a file for each entry and folder, types, the schema, three documents, the examples that pages tell to copy and package.json only', () => {
    const names = MODULES.map(({ file }) => file)
      // These are in the file of the console, or of use only to the compiler.
      .filter((file) => !/\.(?:css|d\.ts)$/.test(file))
      .map((file) => file.replace(/\.tsx?$/, ''))
    const types = names.map((name) => `dist/${name}.d.ts`)
    const roots = names
      // Node loads it by "#fetch".
      .filter((name) => !name.startsWith('dispatcher/'))
      // The main entry loads both.
      .map((name) => name.replace(/^memory\//, 'core/'))
      .map((name) => (name.includes('/') ? `parts/${name.split('/')[0]}` : name))
    const emitted = [...types, ...new Set(roots.map((name) => `dist/${name}.js`))]
    const parts = ['address', 'signature'].map((name) => `dist/parts/verifiers/upstream/${name}.js`)
    const fetches = Object.values(packageJson.imports['#fetch']).map((file) => file.slice(2))
    const ofConsole = ['dist/parts/cli/console.js', 'dist/parts/serve-console.js']
    emitted.push('dist/redis/workerd.js', ...parts, ...ofConsole)
    emitted.push(...new Set(fetches))
    const toRead = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'schema.json']
    expect(packed.files).toEqual(sorted([...emitted, ...toRead, ...new Set(TO_COPY)]))
    const args = [join(packed.folder, 'dist/cli.js'), 'init', '--for', 'haproxy']
    const wrote = 'Wrote haproxy.cfg, with-auth.lua. '
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toContain(wrote)
  })

  it.each(['module', 'commonjs'] as const)('loads by its names from a %s', (type) => {
    const entries = {
      '': index,
      '/access': access,
      '/bun': bun,
      '/express': express,
      '/fastify': fastify,
      '/forward-auth': forwardAuth,
      '/gateway': gateway,
      '/hono': hono,
      '/jwt': jwt,
      '/keys': keys,
      '/mcp': mcp,
      '/node': node,
      '/otel': otel,
      '/redis': redis,
      '/testing': testing,
      '/verifiers': verifiers,
      '/yaml': yaml,
    }
    const load = type === 'module' ? 'await import' : 'require'
    const listed = Object.keys(entries).map((name) => `Object.keys(${load}('with-auth${name}'))`)
    const found = JSON.parse(
      packed.run(`console.log(JSON.stringify([${listed.join()}]))`, type),
    ) as string[][]
    const wanted = Object.values(entries).map((entry) => sorted(Object.keys(entry)))
    expect(found.map(withoutInterop)).toEqual(wanted)
  })

  it.each([
    ['no undici', undefined, 'the package "undici" is not installed: npm install undici@7'],
    [
      'an old undici',
      '6.21.0',
      'it needs undici 7.28 or later, or 8.5 or later, found 6.21.0: npm install undici@7',
    ],
    // An empty folder does not load.
    [
      'an undici for a newer Node',
      '99.0.0',
      `undici 99 does not load on Node ${process.versions.node}: npm install undici@7`,
    ],
  ])(
    'nodeTransport() throws with %s, and the rest of with-auth/node works',
    (_what, version, message) => {
      const printed = runAlone(
        'undici',
        version,
        `
        const { createNodeAuthenticator, nodeTransport } = await import('./dist/node.js')
        createNodeAuthenticator({ endpoint: 'https://auth.example.com/' })
        nodeTransport({ dispatcher: { dispatch: () => true } })
        try { nodeTransport() } catch ({ name, message }) { console.log(name, message) }
      `,
      )
      expect(printed).toBe(`AuthConfigError nodeTransport() cannot be used: ${message}\n`)
    },
  )

  it.each([
    ['no @redis/client', undefined, 'which is not installed'],
    ['an old @redis/client', '5.8.0', 'found 5.8.0'],
  ])('redisStore() throws with %s, and takes a client of your own', (_what, version, why) => {
    const printed = runAlone(
      '@redis/client',
      version,
      `
      const { redisStore } = await import('./dist/redis.js')
      const url = 'redis://127.0.0.1'
      redisStore({ url, client: () => { throw new Error() } })
      try { redisStore({ url }) } catch ({ name, message }) { console.log(name, message) }
    `,
    )
    const needs = '"store" must be used with the package "@redis/client" 6.3 or later'
    expect(printed).toBe(`AuthConfigError ${needs}, ${why}: npm install @redis/client@6\n`)
  })

  /** Runs a script beside the package, with nothing installed but this version of another one, which does not load. */
  function runAlone(name: string, version: string | undefined, script: string): string {
    const alone = mkdtempSync(join(tmpdir(), 'with-auth-alone-'))
    cpSync(join(packed.folder, 'dist'), join(alone, 'dist'), { recursive: true })
    const { type, imports } = packageJson
    writeFileSync(join(alone, 'package.json'), JSON.stringify({ type, imports }))
    const other = join(alone, 'node_modules', name)
    mkdirSync(other, { recursive: true })
    if (version !== undefined)
      writeFileSync(join(other, 'package.json'), JSON.stringify({ version }))
    const args = ['--input-type=module', '--eval', script]
    const printed = execFileSync(process.execPath, args, { cwd: alone, encoding: 'utf8' })
    rmSync(alone, { recursive: true, force: true })
    return printed
  }

  describe('installed by npm', () => {
    const modules = join(ROOT, 'node_modules')
    let app: string

    beforeAll(() => {
      app = mkdtempSync(join(tmpdir(), 'with-auth-app-'))
      writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}')
      install(packed.folder, ...['jose', 'srvx', 'yaml'].map((name) => join(modules, name)))
    })
    afterAll(() => rmSync(app, { recursive: true, force: true }))

    /** Installs these folders as if they came from the registry. */
    function install(...folders: string[]): void {
      const options = ['--install-links', '--offline', '--ignore-scripts', '--no-audit']
      execFileSync('npm', ['install', ...options, ...folders], { cwd: app, stdio: 'pipe' })
    }

    function runApp(script: string): string {
      const args = ['--input-type=module', '--eval', script]
      return execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8' }).trim()
    }

    it('runs its demo without Hono, and with-auth/hono names the missing package', async () => {
      expect(existsSync(join(app, 'node_modules/hono'))).toBe(false)
      const cli = join(app, 'node_modules/.bin/with-auth')
      const demo = spawnProgram(cli, ['demo'], { cwd: app, env: { TMPDIR: app } })
      await demo.printed(/Ctrl-C/)
      demo.kill('SIGTERM')
      await demo.ended
      const script = "import('with-auth/hono').catch((error) => console.log(error.message))"
      expect(runApp(script)).toContain("Cannot find package 'hono'")
    })

    it('names the package that a store in a run.yaml needs', () => {
      const store = 'cache: {}, context: { headers: [] }, store: { url: "redis://h" }'
      const auth = `endpoint: "https://auth.example.com/", ${store}`
      writeFileSync(join(app, 'run.yaml'), `server: { auth: { ${auth} } }`)
      const script = `
        const { loadConfig } = await import('with-auth/yaml')
        await loadConfig('run.yaml').catch((error) => console.log(error.message))
      `
      expect(runApp(script)).toContain(
        'run.yaml:1:102: "server.auth.store" must be used with the package "@redis/client" 6.3 or later, which is not installed: npm install @redis/client@6\n',
      )
    })

    it('uses the copy of Hono of the app, so that onError recognises the rejection', () => {
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
    })
  })
})

function nameOf(subpath: string): string {
  return subpath === '.' ? 'index' : subpath.slice('./'.length)
}

// Node adds these for callers of `require`.
function withoutInterop(names: readonly string[]): string[] {
  return sorted(names.filter((name) => name !== '__esModule' && name !== 'module.exports'))
}
