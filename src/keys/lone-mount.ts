import { KeyFileError } from './key-file-error.ts'
import { files, system } from './system.ts'

// Linux alone mounts a file, and tells here what is mounted.
const MOUNTS = '/proc/self/mountinfo'
const ADVICE =
  'a key that is revoked outside would stay valid here. Mount its folder instead (Kubernetes: without subPath)'

/**
 * Refuses a file that is mounted alone, not in a folder, as by `docker -v ./keys.yaml:/keys.yaml`. A change outside gives the name
 * to another file, and the mount still leads to the old one.
 *
 * @throws KeyFileError
 */
export function refuseLoneMount(file: string): void {
  const links = files().statSync(file, { throwIfNoEntry: false })?.nlink
  if (links === undefined) return
  if (links === 0) throw unusable(file, 'another file has its name now')
  if (isMountPoint(file)) throw unusable(file, 'it is mounted alone')
}

function isMountPoint(file: string): boolean {
  const mounts = readMounts()
  if (mounts.length === 0) return false
  const path = files().realpathSync(file)
  return mounts.includes(path)
}

/** The paths at which something is mounted; none where the system does not tell. */
function readMounts(): readonly string[] {
  // Deno gives this file to programs with all permissions only, and asks at a terminal.
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

function unusable(file: string, reason: string): KeyFileError {
  return new KeyFileError('unreadable', `Cannot use ${file}: ${reason}, so ${ADVICE}`)
}
