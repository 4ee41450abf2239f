import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../tests/support/project.ts'

const LIBRARIES = ['hono', '@hono/node-server', 'undici']

/** Creates a folder with the programs, the libraries and the compiled package. Removes it at exit. */
export function createAppFolder(): string {
  const app = mkdtempSync(join(tmpdir(), 'with-auth-bench-'))
  process.once('exit', () => rmSync(app, { recursive: true, force: true }))
  cpSync(join(ROOT, 'bench/app'), app, { recursive: true })
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const modules = join(app, 'node_modules')
  const copy = (name: string, from: string): void =>
    cpSync(join(ROOT, from, name), join(modules, name), { recursive: true })
  for (const name of LIBRARIES) copy(name, 'bench/node_modules')
  // The client of the store, as the tests have it.
  copy('@redis/client', 'node_modules')
  compile(join(modules, 'with-auth'))
  return app
}

function compile(folder: string): void {
  mkdirSync(folder)
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  // As it is published.
  execFileSync(process.execPath, [join(ROOT, '.ci/build.js'), join(folder, 'dist')], { cwd: ROOT })
}
