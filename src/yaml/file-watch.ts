import { isOptionsObject } from '../core/config/option-checks.ts'
import { system } from '../files/system.ts'

/** What watching a file needs. */
export interface WatchedFile {
  /** Reads it anew. */
  readonly read: () => Promise<string>
  /** What was read when the watch began. */
  readonly text: string
  readonly intervalMs: number
  /** Is given what the file holds now, or why it cannot be read, once for each change. Must not throw. */
  readonly onChange: (content: FileContent) => void
}

export type FileContent =
  | { readonly text: string }
  | { readonly text?: never; readonly error: unknown }

/**
 * Reads a file again and again, and tells each change of what it holds. Contents are compared, since the times of files
 * are too coarse, and since events of files do not come on every file system. A change is told when it was read twice: a
 * file that is being written is not taken for what it will be.
 *
 * @returns A function that ends it. Nothing is told after that.
 */
export function watchFile({ read, text, intervalMs, onChange }: WatchedFile): () => void {
  let told = text
  let before = text
  let isClosed = false
  const look = async (): Promise<void> => {
    const content = await readContent(read)
    if (isClosed) return
    const now = identityOf(content)
    if (now === before && now !== told) {
      told = now
      onChange(content)
    }
    before = now
    if (!isClosed) cancel = wait()
  }
  const wait = (): (() => void) => callLater(() => void look(), intervalMs)
  let cancel = wait()
  return () => {
    isClosed = true
    cancel()
  }
}

/** Calls a function later; what waits for it does not keep the process alive. */
export function callLater(call: () => void, afterMs: number): () => void {
  const { setTimeout, clearTimeout } = system().getBuiltinModule('node:timers')
  const timer = setTimeout(call, afterMs).unref()
  return () => clearTimeout(timer)
}

async function readContent(read: () => Promise<string>): Promise<FileContent> {
  try {
    return { text: await read() }
  } catch (error) {
    return { error }
  }
}

// No text holds NUL: such a file is no YAML, and is broken in the same way.
function identityOf(content: FileContent): string {
  return content.text ?? `\0${String(content.error)}`
}

/** A text that is the same for values of YAML that mean the same: the order of keys does not count. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isOptionsObject(part) ? sorted(part) : part))
}

function sorted(mapping: object): object {
  const names = Object.keys(mapping)
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  names.sort()
  // Own properties, `__proto__` included.
  return Object.fromEntries(names.map((name) => [name, Reflect.get(mapping, name)]))
}
