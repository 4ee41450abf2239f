/**
 * Reads the options from a YAML file.
 *
 * @module with-auth/yaml
 */
import { parseOptions } from './core/config/interpreter.ts'
import { configOfText, loadFile, READ, readText, toTextOptions } from './yaml/parsed-file.ts'
import { ConfigFileError } from './yaml/problems.ts'
import { watchFile } from './yaml/watched-file.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { Verifier } from './core/verifier.ts'
import type { JwtOptions } from './jwt.ts'
import type { Table } from './core/config/form.ts'
import type { LoadOptions, ReadOptions } from './yaml/parsed-file.ts'
import type { WatchedConfig } from './yaml/watched-file.ts'
import type { ConfigProblem } from './yaml/problems.ts'

export { ConfigFileError }
export type { ConfigProblem, LoadOptions, WatchedConfig }

/** Options for reading a text. */
export interface ParseOptions extends Omit<LoadOptions, 'onEvent'> {
  /**
   * The name of the file in errors.
   * @default '<yaml>'
   */
  readonly path?: string
  /** `jwt` of `with-auth/jwt`, for a file whose provider needs it. {@link loadConfig} imports it by itself. */
  readonly jwt?: (options: JwtOptions) => Verifier
}

/** Options for watching a file. */
export interface WatchOptions extends Pick<LoadOptions, 'env' | 'accessPolicy' | 'onEvent'> {
  /**
   * Called with each config that differs from the one before. An error that it throws goes to `onError`. A cache that only the
   * config before has is stopped after that: if it returns a promise, once that has settled.
   */
  readonly onChange: (config: AuthConfig) => unknown
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

type ParsedParse = ReadOptions & Pick<ParseOptions, 'jwt'> & { readonly path: string }
type ParsedLoad = ReadOptions & Pick<LoadOptions, 'onEvent'>
type ParsedWatch = Omit<WatchOptions, keyof ReadOptions | 'intervalMs'> &
  Omit<ReadOptions, 'allowMissing'> & { readonly intervalMs: number }

const PARSE: Table<ParsedParse> = {
  ...READ,
  path: { kind: 'text', default: '<yaml>', pattern: /^/, expected: 'a string' },
  jwt: { kind: 'function' },
}
const LOAD: Table<ParsedLoad> = { ...READ, onEvent: { kind: 'function' } }
const WATCH: Table<ParsedWatch> = {
  env: READ.env,
  accessPolicy: READ.accessPolicy,
  onEvent: LOAD.onEvent,
  onChange: { kind: 'function', isRequired: true },
  onError: { kind: 'function', isRequired: true },
  onRecover: { kind: 'function' },
  intervalMs: { kind: 'milliseconds', default: 1000, min: 10, max: 3_600_000 },
}

/**
 * Reads the config from the text of a Llama Stack or OGX `run.yaml`. It reads `server.tenancy`, and `server.auth`: its `endpoint`,
 * OGX's `provider_config` or several `providers`, and all options in snake_case. It replaces `${env.NAME}`,
 * `${env.NAME:=default}` and `${env.NAME:+value}` in values; any other `${` is an error. It reads no file, opens no connection,
 * and runs anywhere: a file with `store`, `tls_cafile` or `audiences` needs {@link loadConfig}.
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
  const { path, jwt, ...given } = parseOptions(PARSE, options, ['options'])
  return configOfText(readText(text, { path, ...toTextOptions(given) }), jwt)
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
  const { onEvent, ...given } = parseOptions(LOAD, options, ['options'])
  return (await loadFile(path, toTextOptions(given), onEvent)).config
}

/**
 * Reads a file as {@link loadConfig} does, and again whenever it changes. When the file becomes invalid, `onError` is called and
 * the last config stays. A change counts after it was read twice, so that a half-written file is not used. `onChange` is called for
 * another config only. It has the same cache while the sections `cache` and `store` stay the same, so that decisions stay. The watch does not keep
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
  const { onChange, onError, onRecover, intervalMs, onEvent, ...given } = parseOptions(
    WATCH,
    options,
    ['options'],
  )
  const reading = toTextOptions(given)
  return watchFile(path, { onChange, onError, onRecover, intervalMs, onEvent, reading })
}
