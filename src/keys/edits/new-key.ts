import {
  invalidOption,
  invalidSecret,
  misusedOption,
  readOptions,
} from '../../core/config/option-checks.ts'
import { isTenant, TENANT_FORM } from '../../verifiers/tenant-name.ts'
import {
  ATTRIBUTES_FORM,
  isAttributes,
  isName,
  isPrincipal,
  NAME_FORM,
  PRINCIPAL_FORM,
} from '../file/fields.ts'
import { isPathPrefix, isPathPrefixes, meantPrefix, PREFIX_FORM } from '../paths.ts'
import {
  DURATION_FORM,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  roundDown,
  TIMESTAMP_FORM,
  YEAR_10000,
} from '../times.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { AuthConfigError } from '../../core/errors.ts'
import type { StoredKey } from '../record.ts'

const KNOWN = [
  'name',
  'principal',
  'tenant',
  'attributes',
  'expiresAt',
  'expiresIn',
  'paths',
] as const

/** The fields of a new key that its owner chooses, in the order of the file. */
export type KeyPurpose = Pick<
  StoredKey,
  'name' | 'principal' | 'tenant' | 'attributes' | 'paths' | 'created' | 'expires'
>

/** @throws AuthConfigError */
export function parseNewKey(value: unknown, now: number): KeyPurpose {
  const options = readOptions(value, KNOWN, ['key'], 'an object such as { principal }')
  const { name, principal, tenant, attributes = {}, paths } = options
  // A text that cannot be a name may be a key.
  if (name !== undefined && !isName(name)) throw invalidSecret(['key', 'name'], NAME_FORM)
  if (!isPrincipal(principal)) throw invalidOption(['key', 'principal'], principal, PRINCIPAL_FORM)
  if (tenant !== undefined && !isTenant(tenant)) {
    throw invalidOption(['key', 'tenant'], tenant, TENANT_FORM)
  }
  if (!isAttributes(attributes))
    throw invalidOption(['key', 'attributes'], attributes, ATTRIBUTES_FORM)
  const rights = {
    ...(name === undefined ? {} : { name }),
    principal,
    ...(tenant === undefined ? {} : { tenant }),
    attributes,
    ...(paths === undefined ? {} : parsePaths(paths)),
  }
  return toPurpose(rights, parseExpiry('key', options, now), now)
}

export function toPurpose(
  { name, principal, tenant, attributes, paths }: KeyPurpose,
  expires: number | undefined,
  now: number,
): KeyPurpose {
  return {
    ...(name === undefined ? {} : { name }),
    principal,
    ...(tenant === undefined ? {} : { tenant }),
    attributes,
    ...(paths === undefined ? {} : { paths }),
    created: formatTimestamp(roundDown(now)),
    ...(expires === undefined ? {} : { expires: formatTimestamp(expires) }),
  }
}

function parsePaths(value: unknown): Pick<KeyPurpose, 'paths'> {
  if (isPathPrefixes(value)) return { paths: value }
  if (Array.isArray(value)) value.forEach(requirePrefix)
  throw invalidOption(['key', 'paths'], value, `a list of at least one, each ${PREFIX_FORM}`)
}

function requirePrefix(value: unknown, index: number): void {
  if (isPathPrefix(value)) return
  const option = ['key', 'paths', index]
  const error = invalidText(option, value, PREFIX_FORM)
  const meant = typeof value === 'string' ? meantPrefix(value) : undefined
  if (meant === undefined) throw error
  if (error.problems.some(({ isSecret }) => isSecret)) throw error
  throw invalidOption(option, value, PREFIX_FORM, { didYouMean: meant })
}

/**
 * Returns the end that `expiresAt` or `expiresIn` states, in milliseconds since 1970; `undefined` if both are absent.
 *
 * @param parent The name of the options for messages, such as `key` in `key.expiresIn`.
 * @throws AuthConfigError
 */
export function parseExpiry(
  parent: string,
  { expiresAt, expiresIn }: { readonly expiresAt?: unknown; readonly expiresIn?: unknown },
  now: number,
): number | undefined {
  if (expiresAt === undefined && expiresIn === undefined) return undefined
  const option = [parent, expiresIn === undefined ? 'expiresAt' : 'expiresIn']
  if (expiresAt !== undefined && expiresIn !== undefined) {
    throw misusedOption(option, `left out beside \`${parent}.expiresAt\``)
  }
  const end =
    expiresIn === undefined
      ? parseTime(option, expiresAt)
      : roundDown(now + parseDurationOption(option, expiresIn))
  if (end > now && end < YEAR_10000) return end
  const form = 'a time in the future, and before the year 10000'
  throw invalidText(option, expiresIn ?? expiresAt, form)
}

function parseTime(option: OptionPath, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : parseTimestamp(String(value))
  if (time !== undefined && !Number.isNaN(time)) return time
  const form = typeof value === 'string' ? TIMESTAMP_FORM : `a Date, or ${TIMESTAMP_FORM}`
  throw invalidText(option, value, form)
}

/** Returns the milliseconds of a duration that may be `'0'`. */
export function parseDurationOrZero(option: OptionPath, value: unknown): number {
  return value === '0' ? 0 : parseDurationOption(option, value, `0, or ${DURATION_FORM}`)
}

function parseDurationOption(option: OptionPath, value: unknown, form = DURATION_FORM): number {
  const duration = typeof value === 'string' ? parseDuration(value) : undefined
  if (duration === undefined) throw invalidText(option, value, form)
  return duration
}

/** Makes the error for an invalid value. Hides a long text, which may be a key, and a path with a query. */
export function invalidText(option: OptionPath, value: unknown, form: string): AuthConfigError {
  const isShown = typeof value !== 'string' || /^[\x20-\x3e\x40-\x7e]{0,24}$/.test(value)
  return isShown ? invalidOption(option, value, form) : invalidSecret(option, form)
}
