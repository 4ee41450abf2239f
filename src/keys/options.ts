import { parse, parseOptions } from '../core/config/interpreter.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  readOptions,
} from '../core/config/option-checks.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { KeyStore } from './database/store.ts'
import type { KeyFileError } from './error.ts'
import type { KeyDenial } from './record.ts'

/** The place of the keys: a file, a text with the content of such a file, or a store. */
export type KeySource = FileSource | { readonly store: Pick<KeyStore, 'find' | 'addUse'> }

export type FileSource = { readonly file: string } | { readonly text: string }

/** The options of {@link keys}: where the keys are. */
export type KeysOptions = KeySource & {
  /**
   * Whether a token may be one of these keys, by its shape alone. For `firstOf`. By default it may if it begins with `withauth_`:
   * set it for keys of your own.
   */
  readonly accepts?: (token: string) => boolean
}

export interface ResolvedKeysOptions {
  readonly source: KeySource
  readonly accepts?: KeysOptions['accepts']
}

/** The options of {@link createKeyEndpoint}. */
export interface KeyEndpointOptions {
  /**
   * How long an allow may be cached, in seconds, at most 3600. A revoked key may work for so long. `0` forbids caching. An allow
   * never outlasts its key.
   *
   * @default 30
   */
  readonly maxAgeSeconds?: number
  /**
   * The required value of the header `x-auth-secret`, 16 to 1024 visible ASCII characters. A request without it gets 500
   * with the code `endpoint_secret`: an outage for `withAuth`, which sends it by `endpointHeaders`. By default the endpoint
   * requires no secret.
   */
  readonly endpointSecret?: string
  /** Called once for each problem with the keys while the endpoint serves. Default: prints to `console.error`. */
  readonly onError?: (error: KeyFileError) => unknown
  /** Gets warnings: that a key in use expires soon, and that checks cannot be counted. Default: prints to `console.warn`. */
  readonly onWarning?: (message: string) => unknown
  /** Called for each answer, with the cause of a denial, which the client does not learn. It is not awaited. */
  readonly onEvent?: (event: KeyEndpointEvent) => unknown
}

/** One answer of the endpoint. It holds neither the key nor its hash. */
export interface KeyEndpointEvent {
  readonly type: 'answer'
  /** The status of the answer. */
  readonly status: number
  readonly durationMs: number
  /** The id of the key, if the endpoint knows the key. */
  readonly keyId?: string
  /** The caller that the endpoint names for the key, if it knows the key. */
  readonly principal?: string
  /** The path of the question, cut at 256 characters; `''` if it holds, or may hold, the key. */
  readonly path?: string
  /** Why the key was denied. */
  readonly detail?: KeyDenial
  /** The header `x-auth-secret` was missing or wrong. */
  readonly cause?: 'endpoint_secret'
}

export interface ResolvedKeyEndpointOptions {
  readonly maxAgeSeconds: number
  readonly endpointSecret: string | undefined
  readonly onError: (error: KeyFileError) => unknown
  readonly onWarning: (message: string) => unknown
  readonly onEvent?: (event: KeyEndpointEvent) => unknown
}

const SOURCE = ['file', 'text', 'store'] as const
const METHODS = 'find get insert insertAll update remove prune list close'.split(' ')
const TABLE: Table<KeyEndpointOptions & { readonly maxAgeSeconds: number }> = {
  maxAgeSeconds: { kind: 'integer', default: 30, min: 0, max: 3600 },
  endpointSecret: {
    kind: 'text',
    pattern: /^[\x21-\x7e]{16,1024}$/,
    isSecret: true,
    expected: '16 to 1024 visible ASCII characters',
  },
  onError: { kind: 'function' },
  onWarning: { kind: 'function' },
  onEvent: { kind: 'function' },
}
const ACCEPTS: FormOf<KeysOptions['accepts']> = { kind: 'function' }
const SOURCE_FORM = 'one of { file } and { text }, a string, or { store }'

/** @throws AuthConfigError */
export function parseSource(value: unknown): KeySource {
  return chooseSource(readOptions(value, SOURCE, ['source'], SOURCE_FORM), ['source'])
}

/** @throws AuthConfigError */
export function parseKeysOptions(value: unknown): ResolvedKeysOptions {
  if (!isOptionsObject(value)) throw invalidOption(['options'], value, SOURCE_FORM)
  const { accepts, ...given } = readOptions(value, [...SOURCE, 'accepts'], [], SOURCE_FORM)
  const source = chooseSource(given, ['options'])
  return { source, accepts: parse(ACCEPTS, accepts, ['accepts']) }
}

type Given = Partial<Record<(typeof SOURCE)[number], unknown>>

function chooseSource({ file, text, store }: Given, path: OptionPath): KeySource {
  const given = [file, text, store].filter((one) => one !== undefined)
  if (given.length === 1) {
    if (typeof file === 'string' && file !== '') return { file }
    if (typeof text === 'string') return { text }
    if (hasMethods(store, ['find'])) return { store }
  }
  // The text may hold a secret.
  throw invalidOption(path, {}, SOURCE_FORM)
}

/** @throws AuthConfigError with all problems. */
export function parseEndpointOptions(value: unknown): ResolvedKeyEndpointOptions {
  const { onError = print, endpointSecret, ...rest } = parseOptions(TABLE, value, ['options'])
  return { onWarning: printWarning, ...rest, endpointSecret, onError }
}

/** @throws AuthConfigError */
export function requireFile(file: unknown): void {
  if (typeof file !== 'string' || file === '')
    throw invalidOption(['file'], file, 'the path of a file')
}

/** @throws AuthConfigError */
export function requirePlace(place: unknown): void {
  if (typeof place === 'string' && place !== '') return
  if (hasMethods(place, METHODS)) return
  // Anything else is shown by its kind alone: a store may hold a password.
  const shown = typeof place === 'object' && place !== null ? {} : place
  throw invalidOption(['place'], shown, 'the path of a file, or a KeyStore')
}

/** @throws AuthConfigError */
export function requireStore(store: unknown): void {
  // The URL of a database may hold a password.
  if (!hasMethods(store, METHODS)) throw invalidSecret(['to'], 'a KeyStore')
}

function hasMethods(value: unknown, methods: readonly string[]): value is KeyStore {
  if (typeof value !== 'object' || value === null) return false
  return methods.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** @throws AuthConfigError */
export function requireId(id: unknown): void {
  if (typeof id !== 'string') throw invalidOption(['id'], id, 'the id of a key')
}

function printWarning(message: string): void {
  // oxlint-disable-next-line no-console
  console.warn(`with-auth: ${message}`)
}

function print({ message }: KeyFileError): void {
  // oxlint-disable-next-line no-console
  console.error(`with-auth: ${message}`)
}
