import { emptyRecord } from '../runtime.ts'
import { isRecord, readName } from './claim-path.ts'
import { copyClaims } from './claims.ts'
import type { OnFault } from './identity-faults.ts'
import type { Auth } from '../types.ts'

/** An identity without principal and attributes. */
export const NOBODY: Auth = anonymous(Object.freeze(emptyRecord<never>()))

// Without a prototype, so that a `principal` on Object.prototype names no caller.
function anonymous(attributes: Auth['attributes']): Auth {
  return Object.freeze({ __proto__: null, attributes })
}

/** The fields of an identity beside the principal and the attributes. */
type Facts = Omit<Auth, 'principal' | 'attributes' | 'stale'>

/**
 * Takes the identity out of a verdict of this package's form: the own properties of {@link Auth}. Never returns half an
 * identity: a wrong attribute may be the one that restricts the caller. So one fault of those two drops both.
 */
export function parseIdentity(value: unknown, onFault: OnFault): Auth {
  if (!isRecord(value)) return NOBODY
  const read = (name: string): unknown => readName(value, name)
  const facts = {
    ...scopes(read('scopes'), onFault),
    ...text('clientId', read('clientId'), onFault),
    ...text('tenant', read('tenant') ?? undefined, onFault),
    ...claims(read('claims'), onFault),
    ...end(read('expiresAt'), onFault),
  }
  return createAuth(read('principal'), read('attributes'), facts, onFault)
}

/** Takes the identity out of the body of an endpoint: `principal`, `attributes`, and fields of RFC 7662 §2.2. */
export function parseBodyIdentity(body: unknown, tenant: unknown, onFault: OnFault): Auth {
  if (!isRecord(body)) return NOBODY
  const scope = readName(body, 'scope')
  const exp = readName(body, 'exp')
  const facts = {
    ...scopesOf(scope, onFault),
    ...text('clientId', readName(body, 'client_id'), (fault) =>
      onFault({ ...fault, field: 'client_id' }),
    ),
    ...text('tenant', tenant ?? undefined, onFault),
    ...end(typeof exp === 'number' ? Math.max(0, exp * 1000) : exp, (fault) =>
      onFault({ ...fault, field: 'exp' }),
    ),
  }
  return createAuth(readName(body, 'principal'), readName(body, 'attributes'), facts, onFault)
}

function scopesOf(scope: unknown, onFault: OnFault): Pick<Facts, 'scopes'> {
  if (scope === undefined) return {}
  if (typeof scope === 'string') return { scopes: Object.freeze(splitScope(scope)) }
  onFault({ field: 'scope', expected: 'a string' })
  return {}
}

/** RFC 6749 §3.3: scopes have one blank between them. */
export function splitScope(scope: string): string[] {
  return scope.split(' ').filter((one) => one !== '')
}

function createAuth(principal: unknown, attributes: unknown, facts: Facts, onFault: OnFault): Auth {
  const name = parsePrincipal(principal, onFault)
  const lists = parseAttributes(attributes, onFault)
  // Of an identity that is dropped only the end stays, which restricts.
  if (name === undefined || lists === undefined) return withFacts(NOBODY, pickEnd(facts))
  if (name !== '') return Object.freeze({ principal: name, attributes: lists, ...facts })
  return withFacts(lists === NOBODY.attributes ? NOBODY : anonymous(lists), facts)
}

function pickEnd({ expiresAt }: Facts): Facts {
  return expiresAt === undefined ? {} : { expiresAt }
}

function withFacts(auth: Auth, facts: Facts): Auth {
  if (Object.keys(facts).length === 0) return auth
  return Object.freeze({ __proto__: null, ...auth, ...facts })
}

function scopes(value: unknown, onFault: OnFault): Pick<Facts, 'scopes'> {
  if (value === undefined) return {}
  const list = typeof value === 'string' ? undefined : parseList(value)
  if (list !== undefined) return { scopes: list }
  onFault({ field: 'scopes', expected: 'a list of strings' })
  return {}
}

function text<Field extends 'clientId' | 'tenant'>(
  field: Field,
  value: unknown,
  onFault: OnFault,
): Partial<Record<Field, string>> {
  // An empty text names nothing.
  if (value === undefined || value === '') return {}
  if (typeof value === 'string') return record(field, value)
  onFault({ field, expected: 'a string' })
  return {}
}

function record<Field extends string>(field: Field, value: string): Partial<Record<Field, string>> {
  const made: Partial<Record<Field, string>> = {}
  made[field] = value
  return made
}

function claims(value: unknown, onFault: OnFault): Pick<Facts, 'claims'> {
  if (value === undefined) return {}
  const copied = copyClaims(value, onFault)
  return copied === undefined ? {} : { claims: copied }
}

function end(value: unknown, onFault: OnFault): Pick<Facts, 'expiresAt'> {
  if (value === undefined) return {}
  if (typeof value === 'number' && value >= 0 && value < Infinity) return { expiresAt: value }
  onFault({ field: 'expiresAt', expected: 'a number' })
  return {}
}

/** Returns `''` for no principal, `undefined` for a wrong one. */
function parsePrincipal(value: unknown, onFault: OnFault): string | undefined {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  onFault({ field: 'principal', expected: 'a string' })
  return undefined
}

function parseAttributes(value: unknown, onFault: OnFault): Auth['attributes'] | undefined {
  // Shared, since an object without a prototype takes 200 bytes, and cached decisions are many.
  if (value === undefined || value === null) return NOBODY.attributes
  if (!isRecord(value)) {
    onFault({ field: 'attributes', expected: 'an object' })
    return undefined
  }
  const attributes = emptyRecord<readonly string[]>()
  let isWrong = false
  for (const name of Object.keys(value)) {
    const list = parseList(value[name])
    if (list !== undefined) {
      attributes[name] = list
      continue
    }
    isWrong = true
    onFault({ field: 'attributes', name, expected: 'a string or a list of strings' })
  }
  return isWrong ? undefined : Object.freeze(attributes)
}

function parseList(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return Object.freeze([value])
  if (!Array.isArray(value)) return undefined
  // A copy has no holes, which `every` would skip.
  const list: unknown[] = [...value]
  return list.every((item) => typeof item === 'string') ? Object.freeze(list) : undefined
}
