import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Builds the package if `dist` is missing or older than the source. Overwrites files without removing them first, since
 * other tests may be reading them.
 */
export function ensureBuilt(): void {
  const entry = join(ROOT, 'dist/index.js')
  if (existsSync(entry) && statSync(entry).mtimeMs >= newestChange(join(ROOT, 'src'))) return
  execFileSync(process.execPath, ['.ci/build.js', 'dist'], { cwd: ROOT })
}

function newestChange(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs))
}
