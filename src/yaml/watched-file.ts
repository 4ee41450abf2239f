import { FileParts, readFile, readText } from './parsed-file.ts'
import { watchParsed } from './watch.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { LoadOptions, ParsedFile, TextOptions } from './parsed-file.ts'
import type { OpenKeys } from './providers/means.ts'

/** A file that is watched. */
export interface WatchedConfig {
  /** The last valid config. */
  readonly config: AuthConfig
  /** Ends the watch. Nothing is called after that. */
  close(): void
}

interface Watching extends Pick<LoadOptions, 'onEvent'> {
  readonly onChange: (config: AuthConfig) => unknown
  readonly onError: (error: unknown) => void
  readonly onRecover?: (() => void) | undefined
  readonly intervalMs: number
  readonly reading: Omit<TextOptions, 'path'>
}

/**
 * Watches a file as `watchConfig` does.
 *
 * @param keys Makes the verifier of API keys that the file names.
 */
export async function watchFile(
  path: string,
  { onChange, onError, onRecover, intervalMs, onEvent, reading }: Watching,
  keys?: OpenKeys,
): Promise<WatchedConfig> {
  const parts = new FileParts(onEvent, undefined, keys)
  const parse = (text: string): Promise<ParsedFile> =>
    parts.make(readText(text, { path, ...reading }))
  const read = (): string => readFile(path)
  const text = read()
  const first = await parse(text)
  let { config = {} } = first
  // Those of all configs that `onChange` got since it last took one, and of that.
  const caches = new Set([config.cache])
  const close = watchParsed({
    read,
    text,
    config: first,
    parse,
    intervalMs,
    onChange: ({ config: next = {} }) => {
      const before = [...caches].filter((cache) => cache !== next.cache)
      caches.add(next.cache)
      config = next
      const changed = onChange(next)
      const stop = (): void =>
        before.forEach((cache) => {
          if (caches.delete(cache) && cache) cache.stop()
        })
      Promise.resolve(changed).then(stop, stop)
    },
    onError,
    onRecover: onRecover ?? (() => undefined),
  })
  return {
    get config() {
      return config
    },
    close,
  }
}
