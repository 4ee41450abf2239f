import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The files of the core that differ from where the branch began or, on the main branch, from the commit before. A file
 * whose tests differ counts too. If there are none, the reason.
 * @param {string} root
 * @returns {{ files: string[], reason: string }}
 */
export function findChanged(root) {
  const base = findBase(root)
  if (base === undefined) return { files: [], reason: 'there is no earlier commit to compare with' }
  const changed = git(root, 'diff', '--name-only', base).split('\n')
  const files = changed
    .map((file) => file.replace(/^tests\/core\/(.*)\.test\.ts$/, 'src/core/$1.ts'))
    .filter((file) => /^src\/core\/.*\.ts$/.test(file) && existsSync(join(root, file)))
  return { files: [...new Set(files)], reason: `nothing in src/core has changed since ${base}` }
}

function findBase(root) {
  const head = git(root, 'rev-parse', 'HEAD')
  const base = git(root, 'merge-base', 'HEAD', 'origin/main')
  if (base !== '' && base !== head) return base.slice(0, 12)
  return git(root, 'rev-parse', '--short=12', '--verify', 'HEAD~1') || undefined
}

/** What git prints. Empty if it fails: a checkout without history has no base. */
function git(root, ...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}
