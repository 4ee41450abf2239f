import { isOptionsObject } from '../core/config/option-checks.ts'
import { system } from '../files/system.ts'

/** The parts of a watch. */
export interface Watch<Config> {
  /** Reads the file again. */
  readonly read: () => Promise<string>
  /** The text when the watch began. */
  readonly text: string
  readonly intervalMs: number
  readonly parse: (text: string) => Config
  readonly onChange: (config: Config) => void
  readonly onError: (error: unknown) => void
  readonly onRecover: () => void
}

/** A file that is watched. */
export interface Watched<Config> {
  /** The last valid config. */
  readonly config: Config
  readonly close: () => void
}

/** Parses a file now, and again whenever its text changes. */
export function watchParsed<Config>(watch: Watch<Config>): Watched<Config> {
  const { parse, onChange, onRecover, onError, ...file } = watch
  let config = parse(file.text)
  let told = fingerprint(config)
  let isBroken = false
  const take = (content: FileContent): void => {
    try {
      if (content.text === undefined) throw content.error
      const next = parse(content.text)
      const nextPrint = fingerprint(next)
      const wasBroken = isBroken
      isBroken = false
      if (nextPrint === told) return wasBroken ? onRecover() : undefined
      config = next
      // If `onChange` throws, it gets the same config again with the next change of the file.
      told = ''
      onChange(config)
      told = nextPrint
    } catch (error) {
      isBroken = true
      ignoreErrors(() => onError(error))
    }
  }
  const close = watchText({ ...file, onChange: take })
  return {
    get config() {
      return config
    },
    close,
  }
}

function ignoreErrors(call: () => void): void {
  try {
    call()
  } catch {
    // An error of `onError` has no other receiver.
  }
}

type FileContent = { readonly text: string } | { readonly text?: never; readonly error: unknown }

interface WatchedText extends Pick<Watch<never>, 'read' | 'text' | 'intervalMs'> {
  /** Called once for each change. Must not throw. */
  readonly onChange: (content: FileContent) => void
}

/**
 * Reads a file at each interval, and reports each change of its text. It compares texts, since file times are too coarse and not
 * every file system sends events. It reports a text that it has read twice, so that a half-written file is not used.
 *
 * @returns A function that ends the watch. Nothing is called after that.
 */
export function watchText({ read, text, intervalMs, onChange }: WatchedText): () => void {
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

/** Calls a function later. The timer does not keep the process alive. */
function callLater(call: () => void, afterMs: number): () => void {
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

// No valid text starts with NUL, which YAML does not allow.
function identityOf(content: FileContent): string {
  return content.text ?? `\0${String(content.error)}`
}

/** Returns the same text for equal YAML values. Ignores the order of keys. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isOptionsObject(part) ? sorted(part) : part))
}

function sorted(mapping: object): object {
  const names = Object.keys(mapping)
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  names.sort()
  // `fromEntries` makes own properties, also of `__proto__`.
  return Object.fromEntries(names.map((name) => [name, Reflect.get(mapping, name)]))
}
