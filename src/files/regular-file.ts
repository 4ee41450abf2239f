const KINDS = [
  ['isDirectory', 'a folder'],
  ['isFIFO', 'a named pipe'],
  ['isSocket', 'a socket'],
  ['isCharacterDevice', 'a device'],
  ['isBlockDevice', 'a device'],
] as const

/** The part of `Stats` of `node:fs` that tells kinds of files apart. */
export type FileStats = Readonly<Record<'isFile' | (typeof KINDS)[number][0], () => boolean>>

/** Names the kind of a file that is not a regular file. Returns `undefined` for a regular file. */
export function otherKindOf(stats: FileStats): string | undefined {
  if (stats.isFile()) return undefined
  const kind = KINDS.find(([isKind]) => stats[isKind]())?.[1] ?? 'something else'
  return `it is ${kind}, not a regular file`
}

interface Flags {
  readonly O_RDONLY: number
  /** Windows has none. */
  readonly O_NONBLOCK?: number
}

/** The flags to open a file for reading. Without `O_NONBLOCK`, opening a named pipe waits until something writes to it. */
export function readingFlags({ O_RDONLY, O_NONBLOCK = 0 }: Flags): number {
  // oxlint-disable-next-line no-bitwise -- flags are combined so
  return O_RDONLY | O_NONBLOCK
}
