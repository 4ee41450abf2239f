import { execFileSync } from 'node:child_process'

/** Mounts a file or a folder at another place. Returns whether that is permitted: only root may, and only Linux mounts a file. */
export function mount(source: string, target: string): boolean {
  try {
    execFileSync('mount', ['--bind', source, target], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
