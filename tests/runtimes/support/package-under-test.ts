import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROFILES } from '../scenarios/profiles.ts'
import type { Options } from '../scenarios/profiles.ts'
import { locateModule } from './binaries.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with the server programs, and in its `node_modules` the package as npm would install it. */
    app: string
    /** Whether to compare or write the table of runtimes in the documentation. */
    runtimesTable: 'compare' | 'write' | 'leave'
  }
}

const ROOT = join(import.meta.dirname, '../../..')
const SERVERS = join(import.meta.dirname, '../servers')
// The dependencies of the package, in the versions of its own lock file.
const DEPENDENCIES = ['@redis/client', 'jose', 'yaml']
const LIBRARIES = ['hono', '@hono/node-server', 'srvx', 'undici', 'ws']

/**
 * Builds and packs the package, and puts the tarball's content beside the server programs. Outside of this repository,
 * where `with-auth` can be found in no other way.
 */
export default function setup(project: TestProject): () => void {
  const app = mkdtempSync(join(tmpdir(), 'with-auth-runtimes-'))
  const remove = (): void => rmSync(app, { recursive: true, force: true })
  // Also when the run is interrupted or fails here.
  process.once('exit', remove)
  prepare(app)
  project.provide('app', app)
  project.provide('runtimesTable', whatToDo(project))
  return remove
}

// A part of the tests gives only a part of the numbers.
function whatToDo({ config, vitest }: TestProject): 'compare' | 'write' | 'leave' {
  if (config.testNamePattern !== undefined) return 'leave'
  return vitest.config.snapshotOptions.updateSnapshot === 'all' ? 'write' : 'compare'
}

function prepare(app: string): void {
  const modules = join(app, 'node_modules')
  cpSync(SERVERS, app, { recursive: true })
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  for (const name of LIBRARIES) {
    cpSync(locateModule(name), join(modules, name), { recursive: true })
  }
  // A link, since they have many dependencies.
  symlinkSync(locateModule('@modelcontextprotocol'), join(modules, '@modelcontextprotocol'))
  for (const name of DEPENDENCIES) {
    cpSync(join(ROOT, 'node_modules', name), join(modules, name), { recursive: true })
  }
  unpackPackage(app)
  for (const [name, options] of Object.entries(PROFILES)) prepareProfile(app, name, options)
}

/** Builds and packs the package, and puts what npm would publish into the `node_modules` of a folder. */
export function unpackPackage(app: string): void {
  const modules = join(app, 'node_modules')
  mkdirSync(modules, { recursive: true })
  // Not `npm install`, which would ask the registry about the dependencies that are there.
  execFileSync('tar', ['-xzf', pack(app), '-C', modules])
  renameSync(join(modules, 'package'), join(modules, 'with-auth'))
}

// The same server programs with other options.
function prepareProfile(app: string, name: string, options: Options): void {
  const folder = join(app, 'profiles', name)
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(app).filter((file) => file.endsWith('.js') || file === 'package.json')
  for (const file of files) cpSync(join(app, file), join(folder, file))
  writeFileSync(join(folder, 'options.js'), moduleOf(options))
  symlinkSync('../../node_modules', join(folder, 'node_modules'))
}

function moduleOf({ cache, ...options }: Options): string {
  const exported = `export const options = ${JSON.stringify(options)}\n`
  if (cache === undefined) return exported
  const made = `options.cache = memoryCache(${JSON.stringify(cache)})\n`
  return `import { memoryCache } from 'with-auth'\n${exported}${made}`
}

function pack(folder: string): string {
  // `npm pack` builds the package. `.ci/run` has built it, and other tests run what it built.
  const isBuilt = process.env['WITH_AUTH_BUILT'] !== undefined
  const options = isBuilt ? ['--ignore-scripts'] : []
  // The name of the tarball is the last line.
  const printed = npm('pack', '--pack-destination', folder, ...options).trim()
  return join(folder, printed.slice(printed.lastIndexOf('\n') + 1))
}

function npm(...args: string[]): string {
  return execFileSync('npm', [...args, '--silent'], { cwd: ROOT, encoding: 'utf8' })
}
