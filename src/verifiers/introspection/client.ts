import { invalidSecret, isOptionsObject, readOptions } from '../../core/config/option-checks.ts'
import type { FormOf } from '../../core/config/form.ts'
import type { OptionPath } from '../../core/config/problems.ts'

/**
 * How this server proves to an introspection endpoint who it is (RFC 7662 §2.1): by the id and the secret of a client, in the
 * `Authorization` header (`'basic'`) or in the body (`'post'`); by a token of its own; or not at all.
 */
export type IntrospectionClient =
  | { readonly id: string; readonly secret: string; readonly method?: 'basic' | 'post' }
  | { readonly bearer: string }
  | 'none'

/** The headers and form fields that a client adds to each request. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
  /** The client without its secrets. */
  readonly shown: unknown
}

const NAMES = ['id', 'secret', 'method', 'bearer'] as const
const EXPECTED = '{ id, secret }, { bearer } or "none"'
const REDACTED = '[redacted]'

export const CLIENT: FormOf<ClientProof> = {
  kind: 'code',
  is: 'client',
  isSecret: true,
  isRequired: true,
  read: (value, path) => {
    if (value === 'none') return { headers: {}, fields: {}, shown: 'none' }
    const given = isOptionsObject(value) ? readOptions(value, NAMES, path) : {}
    const { id, secret, method = 'basic', bearer } = given
    const isWhole = isText(id) && isText(secret) && bearer === undefined
    if (isWhole) return proveByClient(id, secret, parseMethod(method, path))
    const isBearer = isBearerToken(bearer) && Object.keys(given).length === 1
    if (!isBearer) throw invalidSecret(path, EXPECTED)
    const headers = { authorization: `Bearer ${bearer}` }
    return { headers, fields: {}, shown: { bearer: REDACTED } }
  },
}

function proveByClient(id: string, secret: string, method: 'basic' | 'post'): ClientProof {
  const shown = { id, secret: REDACTED, method }
  if (method === 'post') {
    return {
      headers: {},
      fields: { client_id: id, client_secret: secret },
      shown,
    }
  }
  // RFC 6749 §2.3.1: encoded, since the id ends at the first colon. A blank as %20 is read by servers that know no `+`.
  const encoded = [id, secret].map((part) => encodeURIComponent(part)).join(':')
  return {
    headers: { authorization: `Basic ${btoa(encoded)}` },
    fields: {},
    shown,
  }
}

function parseMethod(value: unknown, path: OptionPath): 'basic' | 'post' {
  if (value === 'basic' || value === 'post') return value
  throw invalidSecret([...path, 'method'], '"basic" or "post"')
}

// A lone surrogate cannot be encoded.
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/\p{Surrogate}/u.test(value)
}

function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
}
