import { callback, integer } from '../core/config/kinds.ts'
import { invalidOption, invalidSecret, readOptions } from '../core/config/option-checks.ts'
import type { KeyFileError } from './error.ts'

/** The place of the keys: a file, or a text with the content of such a file. */
export type KeySource = { readonly file: string } | { readonly text: string }

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
   * The required value of the header `x-auth-secret`, 16 to 1024 visible ASCII characters. A request without it gets 403.
   * `withAuth` sends it by `endpointHeaders`. By default the endpoint requires no secret.
   */
  readonly endpointSecret?: string
  /** Called once for each problem with the file while the endpoint serves. Default: prints to `console.error`. */
  readonly onError?: (error: KeyFileError) => unknown
}

export interface ResolvedKeyEndpointOptions {
  readonly maxAgeSeconds: number
  readonly endpointSecret: string | undefined
  readonly onError: (error: KeyFileError) => unknown
}

const SOURCE = ['file', 'text'] as const
const OPTIONS = ['maxAgeSeconds', 'endpointSecret', 'onError'] as const
const MAX_AGE = integer({ default: 30, min: 0, max: 3600 })
const OBSERVER = callback<(error: KeyFileError) => unknown>()
const SOURCE_FORM = 'either { file } or { text }, a string'

/** @throws AuthConfigError */
export function parseSource(value: unknown): KeySource {
  const { file, text } = readOptions(value, SOURCE, ['source'], SOURCE_FORM)
  if (typeof file === 'string' && file !== '' && text === undefined) return { file }
  if (typeof text === 'string' && file === undefined) return { text }
  // The text may hold a secret.
  throw invalidOption(['source'], {}, SOURCE_FORM)
}

/** @throws AuthConfigError */
export function parseEndpointOptions(value: unknown): ResolvedKeyEndpointOptions {
  const options = readOptions(value, OPTIONS, ['options'])
  const { maxAgeSeconds, endpointSecret, onError } = options
  return {
    maxAgeSeconds: MAX_AGE.parse(maxAgeSeconds, ['options', 'maxAgeSeconds']),
    endpointSecret: parseSecret(endpointSecret),
    onError: OBSERVER.parse(onError, ['options', 'onError']) ?? print,
  }
}

/** @throws AuthConfigError */
export function requireFile(file: unknown): void {
  if (typeof file !== 'string' || file === '')
    throw invalidOption(['file'], file, 'the path of a file')
}

/** @throws AuthConfigError */
export function requireId(id: unknown): void {
  if (typeof id !== 'string') throw invalidOption(['id'], id, 'the id of a key')
}

function parseSecret(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[\x21-\x7e]{16,1024}$/.test(value)) return value
  throw invalidSecret(['options', 'endpointSecret'], '16 to 1024 visible ASCII characters')
}

function print({ message }: KeyFileError): void {
  // oxlint-disable-next-line no-console
  console.error(`with-auth: ${message}`)
}
