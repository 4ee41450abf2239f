import { processVariable } from './core/runtime.ts'
import { checkBoolean, checkFunction, checkMilliseconds } from './core/config/option-checks.ts'
import { invalidOption, readOptions } from './core/config/option-checks.ts'
import { readAuthSection } from './yaml/auth-section.ts'
import { ConfigFileError } from './yaml/config-file-error.ts'
import { UnreadableFileError } from './files/system.ts'
import { readTextFile } from './files/text-file.ts'
import { MOST_TEXT, parseFile } from './yaml/document.ts'
import { fingerprint, watchFile } from './yaml/file-watch.ts'
import { validate } from './yaml/validation.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { ConfigProblem } from './yaml/config-file-error.ts'
import type { Environment } from './yaml/environment-references.ts'
import type { FileContent } from './yaml/file-watch.ts'

export { ConfigFileError }
export type { ConfigProblem }

/** What a file is read with. */
export interface LoadOptions {
  /**
   * The variables that `${env.NAME}` refers to.
   * @default process.env
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * With `true`, a file without `server.auth` gives `undefined`. A likely mistake for that section is still an error: a key
   * such as `sever.auth` or `server._auth`, an `auth` beside `server` or one level too deep, or an `endpoint` in `server`.
   * @default false
   */
  readonly allowMissing?: boolean
}

/** What a text is read with. */
export interface ParseOptions extends LoadOptions {
  /**
   * What errors call the file.
   * @default '<yaml>'
   */
  readonly path?: string
}

/** What a file is watched with. */
export interface WatchOptions extends Pick<LoadOptions, 'env'> {
  /** Called with each config that differs from the one before. Its errors go to `onError`. */
  readonly onChange: (config: AuthConfig) => void
  /** Is told once when the file has become unusable, or unreadable: the last config stays. What it throws is swallowed. */
  readonly onError: (error: unknown) => void
  /** Called after `onError` when the file has the last config again. For another config `onChange` is called instead. */
  readonly onRecover?: () => void
  /**
   * How often the file is read, 10 to 3,600,000 milliseconds.
   * @default 1000
   */
  readonly intervalMs?: number
}

/** A file that is watched. */
export interface WatchedConfig {
  /** The last one that could be used. */
  readonly config: AuthConfig
  /** Ends it. Nothing is called after that. */
  close(): void
}

const LOAD = ['env', 'allowMissing'] as const
const PARSE = [...LOAD, 'path'] as const
const WATCH = ['env', 'onChange', 'onError', 'onRecover', 'intervalMs'] as const

/**
 * Reads the config out of the text of a Llama Stack `run.yaml`: the key `server.auth`, with its `endpoint`, or OGX's
 * `provider_config: { type: custom, endpoint }`, and all other options in snake_case. The rest of the file is left alone.
 * `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}` are replaced in values; any other `${` is an error. Reads no
 * file, and runs anywhere.
 *
 * @param text YAML 1.2, one document of at most 256 KiB.
 * @throws ConfigFileError with the first 100 problems of the text, and AuthConfigError for what is wrong with the options.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { parseConfig } from 'with-auth/yaml'
 *
 * const config = parseConfig(`
 * server:
 *   auth:
 *     endpoint: https://auth.example.com/validate
 *     timeout_ms: 2000
 * `)
 * export default withAuth(() => new Response('hello'), config)
 * ```
 */
export function parseConfig(
  text: string,
  options: ParseOptions & { readonly allowMissing: true },
): AuthConfig | undefined
export function parseConfig(
  text: string,
  options?: ParseOptions & { readonly allowMissing?: false },
): AuthConfig
export function parseConfig(text: string, options?: ParseOptions): AuthConfig | undefined
export function parseConfig(text: string, options: ParseOptions = {}): AuthConfig | undefined {
  const { path = '<yaml>', env, allowMissing = false } = readOptions(options, PARSE, 'options')
  if (typeof path !== 'string') throw invalidOption('options.path', path, 'a string')
  if (typeof text !== 'string') throw invalidOption('text', typeof text, 'a string')
  const isMissingAllowed = checkBoolean('options.allowMissing', allowMissing)
  const environment = createEnvironment(env)
  const { tree, findings } = parseFile(path, text)
  const reading = tree && { tree, findings, environment }
  const settings = reading && readAuthSection(reading, isMissingAllowed)
  const config = settings && validate(settings, findings)
  if (findings.isEmpty()) return config
  throw new ConfigFileError(findings.all(), findings.hasMore())
}

/**
 * Reads a file, and the config out of it as {@link parseConfig} does. Needs `node:fs`, which Node, Bun and Deno have.
 *
 * @param path A regular file, or a symbolic link to one: YAML in UTF-8, of at most 256 KiB.
 * @throws ConfigFileError also for a file that cannot be read.
 *
 * @example
 * ```ts node
 * import { withAuth } from 'with-auth'
 * import { loadConfig } from 'with-auth/yaml'
 *
 * const config = await loadConfig('run.yaml')
 * export default withAuth(() => new Response('hello'), { ...config, onEvent: console.log })
 * ```
 */
export function loadConfig(
  path: string,
  options: LoadOptions & { readonly allowMissing: true },
): Promise<AuthConfig | undefined>
export function loadConfig(
  path: string,
  options?: LoadOptions & { readonly allowMissing?: false },
): Promise<AuthConfig>
export function loadConfig(path: string, options?: LoadOptions): Promise<AuthConfig | undefined>
export async function loadConfig(
  path: string,
  options: LoadOptions = {},
): Promise<AuthConfig | undefined> {
  readOptions(options, LOAD, 'options')
  return parseConfig(await readFile(path), { ...options, path })
}

/**
 * Reads a file as {@link loadConfig} does, and again whenever it changes. A file that has become unusable changes nothing
 * but that `onError` is told: the config that was last read stays. A change counts when it was read twice, so that a file
 * that is half written is not taken for whole. A file whose config is the same has not changed, such as one with another
 * comment: `onChange` is not called, so a wrapped handler keeps its cached decisions. The watch does not keep the process
 * alive.
 *
 * @throws ConfigFileError for a file that cannot be used at the start.
 *
 * @example
 * ```ts node
 * import { withAuth } from 'with-auth'
 * import { watchConfig } from 'with-auth/yaml'
 *
 * const handler = (): Response => new Response('hello')
 * const watched = await watchConfig('run.yaml', {
 *   onChange: (config) => void (guarded = withAuth(handler, config)),
 *   onError: console.error,
 * })
 * let guarded = withAuth(handler, watched.config)
 * export default { fetch: (request: Request) => guarded(request) }
 * ```
 */
export async function watchConfig(path: string, options: WatchOptions): Promise<WatchedConfig> {
  const given = readOptions(options, WATCH, 'options')
  const onChange = checkFunction<WatchOptions['onChange']>('options.onChange', given.onChange)
  const onError = checkFunction<WatchOptions['onError']>('options.onError', given.onError)
  const whenRecovered = given.onRecover ?? ((): void => undefined)
  const onRecover = checkFunction<() => void>('options.onRecover', whenRecovered)
  const intervalMs = given.intervalMs ?? 1000
  const interval = checkMilliseconds('options.intervalMs', intervalMs, 10, 3_600_000)
  const { env } = options
  const parse = (text: string): AuthConfig => parseConfig(text, { ...(env && { env }), path })
  const text = await readFile(path)
  let config = parse(text)
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
      // If the observer throws, it gets the same config again with the next change of the file.
      told = ''
      onChange(config)
      told = nextPrint
    } catch (error) {
      isBroken = true
      tell(onError, error)
    }
  }
  const read = (): Promise<string> => readFile(path)
  const close = watchFile({ read, text, intervalMs: interval, onChange: take })
  return {
    get config() {
      return config
    },
    close,
  }
}

function tell(onError: (error: unknown) => void, error: unknown): void {
  try {
    onError(error)
  } catch {
    // It was told.
  }
}

async function readFile(path: string): Promise<string> {
  if (typeof path !== 'string' || path === '')
    throw invalidOption('path', path, 'the name of a file')
  try {
    return readTextFile(path, MOST_TEXT)
  } catch (error) {
    const why = error instanceof UnreadableFileError ? error.message : 'an error while reading'
    const hint = Reflect.get(Object(error), 'code') === 'no_files' ? ': use parseConfig' : ''
    const message = `The file cannot be read: ${why}${hint}`
    throw new ConfigFileError([{ path, line: 0, column: 0, key: '', message, excerpt: '' }])
  }
}

function createEnvironment(env: unknown): Environment {
  if (env === undefined) return (name) => textOf(processVariable(name))
  if (typeof env !== 'object' || env === null) {
    throw invalidOption('options.env', env, 'an object of variables')
  }
  return (name) => (Object.hasOwn(env, name) ? textOf(Reflect.get(env, name)) : undefined)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
