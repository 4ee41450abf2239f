import {
  checkFunction,
  checkInteger,
  invalidOption,
  invalidSecret,
  readOptions,
} from '../core/config/option-checks.ts'
import type { KeyFileError } from './error.ts'

/** Where the keys are: in a file, or in a text that has what such a file would have. */
export type KeySource = { readonly file: string } | { readonly text: string }

/** How {@link createKeyEndpoint} answers. */
export interface KeyEndpointOptions {
  /**
   * For how long a guard may keep an allow, in seconds, at most an hour: so long a key that is revoked may still work. `0` forbids
   * it. Less is said for a key that ends before.
   *
   * @default 30
   */
  readonly maxAgeSeconds?: number
  /**
   * What the header `x-auth-secret` must be, so that only guards may ask: 16 visible ASCII characters or more. They send it by
   * `endpointHeaders`.
   */
  readonly endpointSecret?: string
  /** Is told once of each thing that is wrong with the file while it serves. By default the console is. */
  readonly onError?: (error: KeyFileError) => unknown
}

/** The options, checked, with their defaults. */
export interface ResolvedKeyEndpointOptions {
  readonly maxAgeSeconds: number
  readonly endpointSecret: string | undefined
  readonly onError: (error: KeyFileError) => unknown
}

const SOURCE = ['file', 'text'] as const
const OPTIONS = ['maxAgeSeconds', 'endpointSecret', 'onError'] as const
const SOURCE_FORM = '{ file } or { text }, one of them, a string'

/** @throws AuthConfigError for a source that is none. */
export function checkSource(value: unknown): KeySource {
  const { file, text } = readOptions(value, SOURCE, 'source', SOURCE_FORM)
  if (typeof file === 'string' && file !== '' && text === undefined) return { file }
  if (typeof text === 'string' && file === undefined) return { text }
  // The text is not shown, whatever is in it.
  throw invalidOption('source', {}, SOURCE_FORM)
}

/** @throws AuthConfigError for a name or a value that is not allowed. */
export function checkKeyEndpointOptions(value: unknown): ResolvedKeyEndpointOptions {
  const options = readOptions(value, OPTIONS, 'options')
  const { maxAgeSeconds = 30, endpointSecret, onError } = options
  return {
    maxAgeSeconds: checkInteger('options.maxAgeSeconds', maxAgeSeconds, 0, 3600),
    endpointSecret: checkSecret(endpointSecret),
    onError: onError === undefined ? print : checkFunction('options.onError', onError),
  }
}

function checkSecret(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[\x21-\x7e]{16,1024}$/.test(value)) return value
  throw invalidSecret('options.endpointSecret', '16 to 1024 visible ASCII characters')
}

function print({ message }: KeyFileError): void {
  // oxlint-disable-next-line no-console
  console.error(`with-auth: ${message}`)
}
