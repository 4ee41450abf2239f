import { files, system } from './system.ts'

// Only Linux mounts single files. This file lists all mounts there.
const MOUNTS = '/proc/self/mountinfo'

/**
 * Returns why a process cannot see the file be replaced from outside, or `undefined`. Example: after
 * `docker run -v ./keys.yaml:/keys.yaml`, a new `keys.yaml` on the host does not reach the container. A mounted folder has no
 * such problem.
 */
export function findLoneMount(file: string): string | undefined {
  const { statSync, realpathSync } = files()
  const links = statSync(file, { throwIfNoEntry: false })?.nlink
  if (links === undefined) return undefined
  if (links === 0) return 'another file has its name now'
  return readMounts().includes(realpathSync(file)) ? 'it is mounted alone' : undefined
}

/** The paths of all mounts; empty where the system does not list them. */
function readMounts(): readonly string[] {
  // Deno allows this only to programs with all permissions, and asks at a terminal.
  if ('deno' in system().versions) return []
  try {
    const text = files().readFileSync(MOUNTS, 'utf8')
    return text.split('\n').map((line) => decode(line.split(' ')[4] ?? ''))
  } catch {
    return []
  }
}

// proc(5): blanks, line ends and backslashes are written in octal.
function decode(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
