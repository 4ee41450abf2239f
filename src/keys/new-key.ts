import { AuthConfigError } from '../core/errors.ts'
import { invalidOption, readOptions } from '../core/option-checks.ts'
import {
  ATTRIBUTES_FORM,
  isAttributes,
  isPathPrefixes,
  isPrincipal,
  PRINCIPAL_FORM,
} from './key-fields.ts'
import { PREFIX_FORM } from './path-prefixes.ts'
import {
  DURATION_FORM,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  TIMESTAMP_FORM,
} from './timestamps.ts'
import type { StoredKey } from './key-record.ts'

const KNOWN = ['principal', 'attributes', 'expiresAt', 'expiresIn', 'paths'] as const

type Options = Partial<Record<(typeof KNOWN)[number], unknown>>

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
  const expires = checkExpiry(options, now)
  return {
    principal,
    attributes,
    ...(options.paths === undefined ? {} : { paths: checkPaths(options.paths) }),
    created: formatTimestamp(Math.floor(now / 1000) * 1000),
    ...(expires === undefined ? {} : { expires: formatTimestamp(expires) }),
  }
}

function checkPrincipal(value: unknown): string {
  if (typeof value === 'string' && isPrincipal(value)) return value
  throw invalidOption('key.principal', value, PRINCIPAL_FORM)
}

function checkPaths(value: unknown): readonly string[] {
  if (isPathPrefixes(value)) return value
  const index = Array.isArray(value) ? value.findIndex((path) => !isPathPrefixes([path])) : -1
  if (index === -1)
    throw invalidOption('key.paths', value, `a list of at least one, each ${PREFIX_FORM}`)
  throw invalidOption(`key.paths[${index}]`, Reflect.get(Object(value), index), PREFIX_FORM)
}

function checkExpiry({ expiresAt, expiresIn }: Options, now: number): number | undefined {
  if (expiresAt === undefined && expiresIn === undefined) return undefined
  if (expiresAt !== undefined && expiresIn !== undefined) {
    throw new AuthConfigError(
      'key.expiresIn',
      '"key.expiresIn" and "key.expiresAt" exclude each other',
    )
  }
  const end = expiresAt === undefined ? endOf(expiresIn, now) : checkTime(expiresAt)
  if (end > now && end < Date.UTC(10_000, 0)) return end
  const option = `key.${expiresIn === undefined ? 'expiresAt' : 'expiresIn'}`
  const allowed = 'a time in the future, and before the year 10000'
  throw invalidOption(option, expiresIn ?? expiresAt, allowed)
}

function checkTime(value: unknown): number {
  const time = value instanceof Date ? value.getTime() : parseTimestamp(String(value))
  if (time !== undefined && !Number.isNaN(time)) return time
  const form = typeof value === 'string' ? TIMESTAMP_FORM : `a Date, or ${TIMESTAMP_FORM}`
  throw invalidOption('key.expiresAt', value, form)
}

function endOf(value: unknown, now: number): number {
  const duration = typeof value === 'string' ? parseDuration(value) : undefined
  if (duration === undefined) throw invalidOption('key.expiresIn', value, DURATION_FORM)
  return Math.floor((now + duration) / 1000) * 1000
}
