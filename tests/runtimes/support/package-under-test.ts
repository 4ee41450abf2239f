import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateModule } from './binaries.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with the server programs, and in its `node_modules` the package as npm would install it. */
    app: string
  }
}

const ROOT = join(import.meta.dirname, '../../..')
const SERVERS = join(import.meta.dirname, '../servers')
const LIBRARIES = ['hono', '@hono/node-server', 'srvx']

/**
 * Builds and packs the package, and puts the tarball's content beside the server programs. Outside of this repository,
 * where `with-auth` can be found in no other way.
 */
export default function setup(project: TestProject): () => void {
  const app = mkdtempSync(join(tmpdir(), 'with-auth-runtimes-'))
  const remove = (): void => rmSync(app, { recursive: true, force: true })
  // Also when the run is interrupted, or ends in what is thrown here.
  process.once('exit', remove)
  prepare(app)
  project.provide('app', app)
  return remove
}

function prepare(app: string): void {
  const modules = join(app, 'node_modules')
  cpSync(SERVERS, app, { recursive: true })
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  for (const name of LIBRARIES) {
    cpSync(locateModule(name), join(modules, name), { recursive: true })
  }
  unpackPackage(app)
}

/** Builds and packs the package, and puts what npm would publish into the `node_modules` of a folder. */
export function unpackPackage(app: string): void {
  const modules = join(app, 'node_modules')
  mkdirSync(modules, { recursive: true })
  // Not `npm install`, which would ask the registry about the dependencies that are there.
  execFileSync('tar', ['-xzf', pack(app), '-C', modules])
  renameSync(join(modules, 'package'), join(modules, 'with-auth'))
}

function pack(folder: string): string {
  npm('run', 'build')
  // The name of the tarball is the last that is printed.
  const printed = npm('pack', '--pack-destination', folder).trim()
  return join(folder, printed.slice(printed.lastIndexOf('\n') + 1))
}

function npm(...args: string[]): string {
  return execFileSync('npm', [...args, '--silent'], { cwd: ROOT, encoding: 'utf8' })
}
