import { execFileSync } from 'node:child_process'

/** Mounts a file or a folder at another place. Returns `false` where that is not permitted (only root on Linux may). */
export function mount(source: string, target: string): boolean {
  try {
    execFileSync('mount', ['--bind', source, target], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
