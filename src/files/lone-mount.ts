type System = Pick<typeof globalThis.process, 'getBuiltinModule' | 'versions'>

// Only Linux mounts single files. It lists all mounts here.
const MOUNTS = '/proc/self/mountinfo'

/**
 * Returns why a file hides its replacement outside, or `undefined`. A file that is mounted alone, not in a folder, as by
 * `docker -v ./keys.yaml:/keys.yaml`, still leads to the old file.
 */
export function findLoneMount(file: string, system: System): string | undefined {
  const { statSync, realpathSync } = system.getBuiltinModule('node:fs')
  const links = statSync(file, { throwIfNoEntry: false })?.nlink
  if (links === undefined) return undefined
  if (links === 0) return 'another file has its name now'
  const mounts = readMounts(system)
  if (mounts.length === 0) return undefined
  return mounts.includes(realpathSync(file)) ? 'it is mounted alone' : undefined
}

/** The paths at which something is mounted; none where the system does not tell. */
function readMounts(system: System): readonly string[] {
  // Deno gives this file to programs with all permissions only, and asks at a terminal.
  if ('deno' in system.versions) return []
  try {
    const text = system.getBuiltinModule('node:fs').readFileSync(MOUNTS, 'utf8')
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
