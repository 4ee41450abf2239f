/**
 * Reads the options from a YAML file.
 *
 * @module with-auth/yaml
 */
import { processVariable } from './core/runtime.ts'
import { boolean, milliseconds } from './core/config/kinds.ts'
import { invalidOption, readOptions } from './core/config/option-checks.ts'
import { UnreadableFileError } from './files/system.ts'
import { readTextFile } from './files/text-file.ts'
import { readAuthSection } from './yaml/auth-section.ts'
import { MOST_TEXT, parseFile } from './yaml/document.ts'
import { ConfigFileError } from './yaml/problems.ts'
import { checkSettings } from './yaml/settings-check.ts'
import { watchParsed } from './yaml/watch.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { ConfigProblem } from './yaml/problems.ts'
import type { Environment } from './yaml/references.ts'

export { ConfigFileError }
export type { ConfigProblem }

/** Options for reading a file. */
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

/** Options for reading a text. */
export interface ParseOptions extends LoadOptions {
  /**
   * The name of the file in errors.
   * @default '<yaml>'
   */
  readonly path?: string
}

/** Options for watching a file. */
export interface WatchOptions extends Pick<LoadOptions, 'env'> {
  /** Called with each config that differs from the one before. An error that it throws goes to `onError`. */
  readonly onChange: (config: AuthConfig) => void
  /** Called once when the file becomes invalid or unreadable. The last config stays. An error that it throws is ignored. */
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
  /** The last valid config. */
  readonly config: AuthConfig
  /** Ends the watch. Nothing is called after that. */
  close(): void
}

const LOAD = ['env', 'allowMissing'] as const
const PARSE = [...LOAD, 'path'] as const
const WATCH = ['env', 'onChange', 'onError', 'onRecover', 'intervalMs'] as const
const ALLOW_MISSING = boolean(false)
const INTERVAL = milliseconds({ default: 1000, min: 10, max: 3_600_000 })

/**
 * Reads the config from the text of a Llama Stack `run.yaml`. It reads the key `server.auth` only: its `endpoint`, or OGX's
 * `provider_config: { type: custom, endpoint }`, and all other options in snake_case. It replaces `${env.NAME}`,
 * `${env.NAME:=default}` and `${env.NAME:+value}` in values; any other `${` is an error. It reads no file, and runs anywhere.
 *
 * @param text YAML 1.2, one document of at most 256 KiB.
 * @throws ConfigFileError with the first 100 problems of the text; AuthConfigError for an option that is not allowed.
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
  const { path = '<yaml>', env, allowMissing } = readOptions(options, PARSE, ['options'])
  if (typeof path !== 'string') throw invalidOption(['options', 'path'], path, 'a string')
  if (typeof text !== 'string') throw invalidOption(['text'], typeof text, 'a string')
  const isMissingAllowed = ALLOW_MISSING.parse(allowMissing, ['options', 'allowMissing'])
  const environment = createEnvironment(env)
  const { tree, findings } = parseFile(path, text)
  const reading = tree && { tree, findings, environment }
  const settings = reading && readAuthSection(reading, isMissingAllowed)
  const config = settings && checkSettings(settings, findings)
  if (findings.isEmpty()) return config
  throw new ConfigFileError(findings.all(), findings.hasMore())
}

/**
 * Reads a file, and its config as {@link parseConfig} does. Needs `node:fs`, which Node, Bun and Deno have.
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
  readOptions(options, LOAD, ['options'])
  return parseConfig(readFile(path), { ...options, path })
}

/**
 * Reads a file as {@link loadConfig} does, and again whenever it changes. When the file becomes invalid, `onError` is called and
 * the last config stays. A change counts after it was read twice, so that a half-written file is not used. `onChange` is called for
 * another config only: after a new comment a wrapped handler keeps its cached decisions. The watch does not keep
 * the process alive.
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
  const given = readOptions(options, WATCH, ['options'])
  const onChange = parseFunction<WatchOptions['onChange']>(given.onChange, 'onChange')
  const onError = parseFunction<WatchOptions['onError']>(given.onError, 'onError')
  const onRecover = parseFunction<() => void>(given.onRecover ?? (() => undefined), 'onRecover')
  const intervalMs = INTERVAL.parse(given.intervalMs, ['options', 'intervalMs'])
  const { env } = options
  const parse = (text: string): AuthConfig => parseConfig(text, { ...(env && { env }), path })
  const read = (): string => readFile(path)
  const text = read()
  return watchParsed({ read, text, parse, intervalMs, onChange, onError, onRecover })
}

function parseFunction<Fn>(value: unknown, name: string): Fn {
  if (typeof value === 'function') return value as Fn
  throw invalidOption(['options', name], value, 'a function')
}

function readFile(path: string): string {
  if (typeof path !== 'string' || path === '')
    throw invalidOption(['path'], path, 'the name of a file')
  try {
    return readTextFile(path, MOST_TEXT)
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error
    const hint = error.code === 'no_files' ? ': use parseConfig' : ''
    const message = `The file cannot be read: ${error.message}${hint}`
    const option = { optionPath: [], expected: message, isSecret: false, key: '' }
    throw new ConfigFileError([{ ...option, path, line: 0, column: 0, message, excerpt: '' }])
  }
}

function createEnvironment(env: unknown): Environment {
  if (env === undefined) return (name) => textOf(processVariable(name))
  if (typeof env !== 'object' || env === null) {
    throw invalidOption(['options', 'env'], env, 'an object of variables')
  }
  return (name) => (Object.hasOwn(env, name) ? textOf(Reflect.get(env, name)) : undefined)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
