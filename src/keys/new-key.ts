import {
  invalidOption,
  invalidSecret,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import {
  ATTRIBUTES_FORM,
  isAttributes,
  isPathPrefixes,
  isPrincipal,
  PRINCIPAL_FORM,
} from './file/fields.ts'
import { isPathPrefix, meantPrefix, PREFIX_FORM } from './paths.ts'
import {
  DURATION_FORM,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  TIMESTAMP_FORM,
} from './times.ts'
import type { AuthConfigError } from '../core/errors.ts'
import type { StoredKey } from './record.ts'

const KNOWN = ['principal', 'attributes', 'expiresAt', 'expiresIn', 'paths'] as const

type Expiry = Partial<Record<'expiresAt' | 'expiresIn', unknown>>

/** The first time that a timestamp cannot express. */
export const YEAR_10000: number = Date.UTC(10_000, 0)

/** What a new key is for, in the order in which it is written. */
export type KeyPurpose = Pick<
  StoredKey,
  'principal' | 'attributes' | 'paths' | 'created' | 'expires'
>

/**
 * Checks what a key shall be for.
 *
 * @throws AuthConfigError for a name or a value that is not allowed.
 */
export function checkNewKey(value: unknown, now: number): KeyPurpose {
  const options = readOptions(value, KNOWN, 'key', 'an object such as { principal }')
  const principal = checkPrincipal(options.principal)
  const attributes = options.attributes ?? {}
  if (!isAttributes(attributes)) throw invalidOption('key.attributes', attributes, ATTRIBUTES_FORM)
  const expires = checkExpiry('key', options, now)
  return {
    principal,
    attributes,
    ...(options.paths === undefined ? {} : { paths: checkPaths(options.paths) }),
    created: formatTimestamp(roundDown(now)),
    ...(expires === undefined ? {} : { expires: formatTimestamp(expires) }),
  }
}

function checkPrincipal(value: unknown): string {
  if (typeof value === 'string' && isPrincipal(value)) return value
  throw invalidOption('key.principal', value, PRINCIPAL_FORM)
}

function checkPaths(value: unknown): readonly string[] {
  if (isPathPrefixes(value)) return value
  if (Array.isArray(value)) value.forEach(refusePath)
  throw invalidOption('key.paths', value, `a list of at least one, each ${PREFIX_FORM}`)
}

function refusePath(value: unknown, index: number): void {
  if (typeof value === 'string' && isPathPrefix(value)) return
  const error = invalidText(`key.paths[${index}]`, value, PREFIX_FORM)
  const meant = typeof value === 'string' ? meantPrefix(value) : undefined
  if (meant === undefined) throw error
  if (error.problems.some(({ isSecret }) => isSecret)) throw error
  throw invalidOption(error.option, value, PREFIX_FORM, meant)
}

/**
 * Checks when a key shall end. Gives milliseconds since 1970, or `undefined` if nothing is said about it.
 *
 * @param parent What the options belong to, such as `key` in `key.expiresIn`.
 * @throws AuthConfigError
 */
export function checkExpiry(
  parent: string,
  { expiresAt, expiresIn }: Expiry,
  now: number,
): number | undefined {
  if (expiresAt === undefined && expiresIn === undefined) return undefined
  const option = `${parent}.${expiresIn === undefined ? 'expiresAt' : 'expiresIn'}`
  if (expiresAt !== undefined && expiresIn !== undefined) {
    throw misusedOption(option, `left out beside \`${parent}.expiresAt\``)
  }
  const end =
    expiresIn === undefined
      ? checkTime(option, expiresAt)
      : roundDown(now + checkDuration(option, expiresIn))
  if (end > now && end < YEAR_10000) return end
  const form = 'a time in the future, and before the year 10000'
  throw invalidText(option, expiresIn ?? expiresAt, form)
}

function checkTime(option: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : parseTimestamp(String(value))
  if (time !== undefined && !Number.isNaN(time)) return time
  const form = typeof value === 'string' ? TIMESTAMP_FORM : `a Date, or ${TIMESTAMP_FORM}`
  throw invalidText(option, value, form)
}

/** Checks how long something lasts, or `0`, and gives it in milliseconds. */
export function checkDurationOrZero(option: string, value: unknown): number {
  return value === '0' ? 0 : checkDuration(option, value, `0, or ${DURATION_FORM}`)
}

function checkDuration(option: string, value: unknown, form = DURATION_FORM): number {
  const duration = typeof value === 'string' ? parseDuration(value) : undefined
  if (duration === undefined) throw invalidText(option, value, form)
  return duration
}

/** Rounds down to seconds, which is what files have. */
export function roundDown(time: number): number {
  return Math.floor(time / 1000) * 1000
}

/** The error for a value that is not allowed. A long text may be a key in the wrong place, and a path may have a query. */
export function invalidText(option: string, value: unknown, form: string): AuthConfigError {
  const isShown = typeof value !== 'string' || /^[\x20-\x3e\x40-\x7e]{0,24}$/.test(value)
  return isShown ? invalidOption(option, value, form) : invalidSecret(option, form)
}
