import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, sorted } from './project.ts'

/** The package as npm would publish it, built into its own folder. */
export interface PackedPackage {
  readonly folder: string
  readonly files: readonly string[]
  /** Runs a script that imports the published files. Returns its output. */
  readonly run: (script: string, type: 'module' | 'commonjs') => string
}

export function packPackage(folder: string): PackedPackage {
  copyProject(folder)
  const dist = join(folder, 'dist')
  // `.ci/run` has built it. Otherwise `dist` may have files that `src` no longer has.
  if (process.env['WITH_AUTH_BUILT'] !== undefined)
    cpSync(join(ROOT, 'dist'), dist, { recursive: true })
  else execFileSync(process.execPath, ['.ci/build.js', dist], { cwd: ROOT })
  const files = listPacked(folder)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
  return { folder, files, run: (script, type) => run(script, type, folder) }
}

// The folder also holds unpublished files, to test that the list in package.json excludes them.
function copyProject(folder: string): void {
  for (const entry of readdirSync(ROOT, { withFileTypes: true })) {
    if (entry.isFile()) copyFileSync(join(ROOT, entry.name), join(folder, entry.name))
  }
  const filter = (path: string): boolean => !path.endsWith('node_modules')
  for (const name of ['src', 'tests/core', 'examples']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter })
  }
}

function listPacked(folder: string): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output) as [{ files: { path: string }[] }]
  return sorted(packed.files.map(({ path }) => path))
}

function run(script: string, type: 'module' | 'commonjs', folder: string): string {
  return execFileSync(process.execPath, [`--input-type=${type}`, '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
