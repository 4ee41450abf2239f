import { parseOptions } from '../core/config/interpreter.ts'
import { foldName, invalidOption, isHttpToken } from '../core/config/option-checks.ts'
import { headerLength, toHeaderValue } from '../verifiers/upstream/header-text.ts'
import { GATEWAY_HEADERS } from '../verifiers/upstream/signature.ts'
import { mayCarryIdentity } from './field-names.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { OptionPath, Problems } from '../core/config/problems.ts'
import type { Auth } from '../core/types.ts'
import type { NameEncoding } from '../verifiers/upstream/signature.ts'
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
  /** Carries the scopes with a blank between two, each percent-encoded like the principal. @default 'x-auth-scopes' */
  readonly scopes?: string | false
  /** Carries the client ID of the application, percent-encoded like the principal. @default 'x-auth-client' */
  readonly client?: string | false
  /**
   * How the names are written: principal, tenant, scopes and client ID. `'utf-8'` is for an upstream that decodes no percent signs,
   * such as OGX. A name that begins or ends with a blank is then not forwarded, since a server trims it, nor is a scope with one. The
   * attributes stay JSON in ASCII.
   *
   * @default 'percent'
   */
  readonly encoding?: 'percent' | 'utf-8'
}

const IDENTITY_OPTIONS = ['principal', 'tenant', 'attributes', 'scopes', 'client'] as const

type IdentityOption = (typeof IDENTITY_OPTIONS)[number]

/** The names of the headers that carry the identity. `undefined` turns one off. */
export type IdentityHeaderNames = Readonly<Record<IdentityOption, string | undefined>>

// These headers have another meaning.
const NOT_FOR_IDENTITY =
  /^(?:accept|authorization|cookie|content-encoding|content-type|date|origin|range)$/

/** The option `identityHeaders`, with its defaults. */
export interface IdentityHeaders extends IdentityHeaderNames {
  readonly encoding: NameEncoding
}

type Parsed = Record<IdentityOption, string | false> & Pick<IdentityHeaders, 'encoding'>

const headerNamed = (byDefault: string): FormOf<string | false> => ({
  kind: 'code',
  is: 'identityHeader',
  default: byDefault,
  also: [false],
  read: parseName,
})

const TABLE: Table<Parsed> = {
  principal: headerNamed(GATEWAY_HEADERS.principal),
  tenant: headerNamed(GATEWAY_HEADERS.tenant),
  attributes: headerNamed(GATEWAY_HEADERS.attributes),
  scopes: headerNamed(GATEWAY_HEADERS.scopes),
  client: headerNamed(GATEWAY_HEADERS.client),
  encoding: { kind: 'choice', choices: ['percent', 'utf-8'], default: 'percent' },
}

export const IDENTITY_HEADERS: FormOf<IdentityHeaders> = {
  kind: 'code',
  is: 'identityHeaders',
  default: {},
  read: (value, path) => {
    const { encoding, ...names } = parseOptions(TABLE, value, path, (parsed, _, problems) =>
      rejectShared(parsed, path, problems),
    )
    return {
      principal: on(names.principal),
      tenant: on(names.tenant),
      attributes: on(names.attributes),
      scopes: on(names.scopes),
      client: on(names.client),
      encoding,
    }
  },
}

function on(name: string | false): string | undefined {
  return name === false ? undefined : name
}

function rejectShared(names: Partial<Parsed>, path: OptionPath, problems: Problems): void {
  const seen = new Map<string, string>()
  for (const option of IDENTITY_OPTIONS) {
    const name = names[option]
    if (name === undefined || name === false) continue
    const other = seen.get(foldName(name))
    if (other !== undefined) {
      problems.add(invalidOption([...path, option], name, `different from "${other}"`))
    }
    seen.set(foldName(name), option)
  }
}

function parseName(value: unknown, path: OptionPath): string {
  if (isHttpToken(value) && !isTaken(foldName(value))) return value.toLowerCase()
  throw invalidOption(path, value, 'a header name without another meaning, or false')
}

function isTaken(folded: string): boolean {
  if (folded === GATEWAY_HEADERS.signature) return true
  return !mayCarryIdentity(folded) || NOT_FOR_IDENTITY.test(folded)
}

// Many servers accept at most 16 KiB of headers, and a truncated identity is another identity.
const MAX_LENGTH = 8192
const NOT_IN_HEADERS = /[\p{Cc}\p{Cs}]/u

/** An identity as the text that its headers carry, `''` for what is missing or not sent. */
type IdentityValues = Readonly<Record<IdentityOption, string>>

/** The values of a request without an identity. */
export const NO_IDENTITY: IdentityValues = Object.freeze({
  principal: '',
  tenant: '',
  attributes: '',
  scopes: '',
  client: '',
})

type Encode = (name: string) => string | undefined

const ENCODERS: Readonly<
  Record<IdentityOption, (auth: Auth, encode: Encode) => string | undefined>
> = {
  principal: ({ principal = '' }, encode) => encode(principal),
  tenant: ({ tenant = '' }, encode) => encode(tenant),
  attributes: ({ attributes }) =>
    Object.keys(attributes).length === 0 ? '' : encodeAttributes(attributes),
  scopes: ({ scopes = [] }, encode) => encodeScopes(scopes, encode),
  client: ({ clientId = '' }, encode) => encode(clientId),
}

/**
 * Encodes an identity for its headers, or returns `undefined` if a header cannot carry it: a name or a scope has a control
 * character or a lone surrogate, in UTF-8 also a blank at one end, or a value is longer than 8,192 bytes.
 */
export function identityValues(
  auth: Auth,
  names: IdentityHeaderNames,
  encoding: NameEncoding,
): IdentityValues | undefined {
  const encode = encoding === 'utf-8' ? keepName : encodeName
  const values = { ...NO_IDENTITY }
  for (const option of IDENTITY_OPTIONS) {
    const value = names[option] === undefined ? '' : ENCODERS[option](auth, encode)
    if (value === undefined || headerLength(value) > MAX_LENGTH) return undefined
    values[option] = value
  }
  return values
}

/** The headers for an identity. */
export function identityFields(
  values: IdentityValues,
  names: IdentityHeaderNames,
): readonly Field[] {
  return allIdentityFields(values, names).filter(([, value]) => value !== '')
}

/** The headers for an identity, also those without a value. */
export function allIdentityFields(
  values: IdentityValues,
  names: IdentityHeaderNames,
): readonly Field[] {
  return IDENTITY_OPTIONS.flatMap((option) => {
    const name = names[option]
    return name === undefined ? [] : [[name, toHeaderValue(values[option])] as const]
  })
}

/**
 * Percent-encodes a name, so that `decodeURIComponent` returns it. Visible ASCII stays, except `%` and the comma, which joins two
 * headers. Different names get different values.
 */
export function encodeName(name: string): string | undefined {
  // Almost every name.
  if (/^[\w.@:-]*$/.test(name)) return name
  if (NOT_IN_HEADERS.test(name)) return undefined
  return name.replace(/[^\x21-\x7e]+|[%,]/gu, encodeURIComponent)
}

// Servers trim a header, so a blank at one end would make it another name.
function keepName(name: string): string | undefined {
  return NOT_IN_HEADERS.test(name) || name.trim() !== name ? undefined : name
}

// The scope "a b" is not the scopes "a" and "b". A blank inside a scope is percent-encoded, or cannot be sent.
function encodeScopes(scopes: readonly string[], encode: Encode): string | undefined {
  const encoded = scopes.flatMap((scope) => encode(scope) ?? [])
  if (encoded.length < scopes.length || encoded.some((scope) => /\s/.test(scope))) return undefined
  return encoded.filter((scope) => scope !== '').join(' ')
}

/** Encodes attributes as JSON in ASCII, which every server reads the same way. */
export function encodeAttributes(attributes: Auth['attributes']): string {
  return JSON.stringify(attributes).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
