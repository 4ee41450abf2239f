import { isOptionsObject } from '../core/config/option-checks.ts'
import { system } from '../files/system.ts'

export interface Watch<Config> {
  readonly read: () => string
  /** The text when the watch began, and its config. */
  readonly text: string
  readonly config: Config
  readonly intervalMs: number
  readonly parse: (text: string) => Config | Promise<Config>
  readonly onChange: (config: Config) => void
  readonly onError: (error: unknown) => void
  readonly onRecover: () => void
}

/**
 * Parses a file again whenever its text changes, until the function that it returns is called. It reads the file at each interval and compares texts, since file times
 * are too coarse and not every file system sends events. It parses a text that it has read twice, so that a half-written file is
 * not used. The timer does not keep the process alive.
 */
export function watchParsed<Config>(watch: Watch<Config>): () => void {
  const { read, text, config, intervalMs, parse, onChange, onError, onRecover } = watch
  let isClosed = false
  let told = fingerprint(config)
  let isBroken = false
  let before = text
  let taken = text
  const take = (next: Config): void => {
    const nextPrint = fingerprint(next)
    const wasBroken = isBroken
    isBroken = false
    if (nextPrint === told) return wasBroken ? onRecover() : undefined
    // If `onChange` throws, it gets the same config again with the next change of the file.
    told = ''
    onChange(next)
    told = nextPrint
  }
  const look = async (): Promise<void> => {
    const content = readContent(read)
    const now = content.text ?? `${UNREADABLE}${String(content.error)}`
    const isNew = now === before && now !== taken
    before = now
    if (!isNew) return
    taken = now
    try {
      if (content.text === undefined) throw content.error
      const parsed = await parse(content.text)
      if (!isClosed) take(parsed)
    } catch (error) {
      if (isClosed) return
      isBroken = true
      ignoreErrors(() => onError(error))
    }
  }
  const { setTimeout, clearTimeout } = system().getBuiltinModule('node:timers')
  // Each interval begins after a read, so that a slow file leaves time for requests, and no change overtakes the one before.
  const wait = () => setTimeout(next, intervalMs).unref()
  const next = (): void => {
    void look().finally(() => {
      if (!isClosed) timer = wait()
    })
  }
  let timer = wait()
  return () => {
    isClosed = true
    clearTimeout(timer)
  }
}

// No valid text starts with NUL, which YAML does not allow.
const UNREADABLE = '\0'

type FileContent = { readonly text: string } | { readonly text?: never; readonly error: unknown }

function readContent(read: () => string): FileContent {
  try {
    return { text: read() }
  } catch (error) {
    return { error }
  }
}

function ignoreErrors(call: () => void): void {
  try {
    call()
  } catch {
    // An error of `onError` has no other receiver.
  }
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
