import { foldName, invalidOption, isHttpToken, readOptions } from '../core/config/option-checks.ts'
import { GATEWAY_HEADERS } from '../verifiers/upstream/signature.ts'
import { mayCarryIdentity } from './field-names.ts'
import type { Auth } from '../core/types.ts'
import type { Statement } from '../verifiers/upstream/signature.ts'
import type { Field } from './field-names.ts'

/** The names of the headers that carry the identity to the upstream. `false` turns one off. */
export interface IdentityHeadersConfig {
  /**
   * Carries the principal, percent-encoded: decode it with `decodeURIComponent`. Letters, digits and ASCII punctuation other
   * than `%` and `,` stay as they are.
   *
   * @default 'x-auth-principal'
   */
  readonly principal?: string | false
  /** Carries the attributes: a JSON object of lists, in ASCII. @default 'x-auth-attributes' */
  readonly attributes?: string | false
  /** Carries the tenant, percent-encoded like the principal. @default 'x-auth-tenant' */
  readonly tenant?: string | false
}

/** The names of the headers that carry the identity. `undefined` turns one off. */
export interface IdentityHeaderNames {
  readonly principal: string | undefined
  readonly tenant: string | undefined
  readonly attributes: string | undefined
}

const IDENTITY_OPTIONS = ['principal', 'tenant', 'attributes'] as const

// These headers have another meaning.
const NOT_FOR_IDENTITY =
  /^(?:accept|authorization|cookie|content-encoding|content-type|date|origin|range)$/

/** Parses the option `identityHeaders`. Throws `AuthConfigError`. */
export function parseIdentityHeaders(value: unknown): IdentityHeaderNames {
  const options = readOptions(value, IDENTITY_OPTIONS, ['identityHeaders'])
  const seen = new Map<string, string>()
  const nameOf = (option: (typeof IDENTITY_OPTIONS)[number]): string | undefined => {
    const name = parseName(option, options[option])
    if (name === undefined) return undefined
    const other = seen.get(foldName(name))
    if (other !== undefined) {
      throw invalidOption(['identityHeaders', option], name, `different from "${other}"`)
    }
    seen.set(foldName(name), option)
    return name
  }
  return {
    principal: nameOf('principal'),
    tenant: nameOf('tenant'),
    attributes: nameOf('attributes'),
  }
}

function parseName(option: (typeof IDENTITY_OPTIONS)[number], value: unknown): string | undefined {
  if (value === undefined) return GATEWAY_HEADERS[option]
  if (value === false) return undefined
  if (isHttpToken(value) && !isTaken(foldName(value))) return value.toLowerCase()
  throw invalidOption(
    ['identityHeaders', option],
    value,
    'a header name without another meaning, or false',
  )
}

function isTaken(folded: string): boolean {
  if (folded === GATEWAY_HEADERS.signature) return true
  return !mayCarryIdentity(folded) || NOT_FOR_IDENTITY.test(folded)
}

// Many servers accept at most 16 KiB of headers, and a truncated identity is another identity.
const MAX_LENGTH = 8192

/** An identity as its headers carry it, `''` for what is missing or not sent. */
export type IdentityValues = Pick<Statement, 'principal' | 'tenant' | 'attributes'>

/**
 * Encodes an identity for its headers, or returns `undefined` if a header cannot carry it: the principal or the tenant has a
 * control character or a lone surrogate, or a value is longer than 8,192 characters.
 */
export function identityValues(
  { principal = '', tenant = '', attributes }: Auth,
  names: IdentityHeaderNames,
): IdentityValues | undefined {
  const isEmpty = Object.keys(attributes).length === 0
  const values = {
    principal: names.principal === undefined ? '' : encodeName(principal),
    tenant: names.tenant === undefined ? '' : encodeName(tenant),
    attributes: names.attributes === undefined || isEmpty ? '' : encodeAttributes(attributes),
  }
  const { principal: encoded, tenant: encodedTenant } = values
  if (encoded === undefined || encodedTenant === undefined) return undefined
  const isLong = [encoded, encodedTenant, values.attributes].some(
    ({ length }) => length > MAX_LENGTH,
  )
  return isLong ? undefined : { ...values, principal: encoded, tenant: encodedTenant }
}

/** The headers for an identity. */
export function identityFields(
  { principal, tenant, attributes }: IdentityValues,
  names: IdentityHeaderNames,
): readonly Field[] {
  const fields = [
    [names.principal, principal],
    [names.tenant, tenant],
    [names.attributes, attributes],
  ] as const
  return fields.flatMap(([name, value]) =>
    name === undefined || value === '' ? [] : [[name, value] as const],
  )
}

/**
 * Percent-encodes a name, so that `decodeURIComponent` returns it. Visible ASCII stays, except `%` and the comma, which joins two
 * headers. Different names get different values.
 */
export function encodeName(name: string): string | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(name)) return undefined
  return name.replace(/[^\x21-\x7e]+|[%,]/gu, encodeURIComponent)
}

/** Encodes attributes as JSON in ASCII, which every server reads the same way. */
export function encodeAttributes(attributes: Auth['attributes']): string {
  return JSON.stringify(attributes).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
