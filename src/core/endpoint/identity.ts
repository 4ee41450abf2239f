import { emptyRecord } from '../runtime.ts'
import { isRecord, readName } from './claim-path.ts'
import { copyClaims } from './claims.ts'
import type { OnFault } from './identity-faults.ts'
import type { Auth } from '../types.ts'

const NO_ATTRIBUTES: Auth['attributes'] = Object.freeze(emptyRecord<never>())

/** An identity without principal and attributes. */
export const NOBODY: Auth = Object.freeze({ __proto__: null, attributes: NO_ATTRIBUTES })

/** The parts of an identity, as they were sent. */
type Parts = Readonly<Partial<Record<Exclude<keyof Auth, 'stale'>, unknown>>>

/** The facts about a caller beside the principal and the attributes. */
type Facts = { -readonly [Name in Exclude<keyof Parts, 'principal' | 'attributes'>]?: Auth[Name] }

/**
 * Takes the identity out of a verdict of this package's form: the own properties of {@link Auth}. Never returns half an
 * identity: a wrong attribute may be the one that restricts the caller. So one fault of the principal or of the attributes
 * drops both.
 */
export function parseIdentity(value: unknown, onFault: OnFault): Auth {
  const read = (name: keyof Parts): unknown => readName(value, name)
  const parts: Parts = {
    principal: read('principal'),
    attributes: read('attributes'),
    scopes: read('scopes'),
    clientId: read('clientId'),
    tenant: read('tenant') ?? undefined,
    claims: read('claims'),
    expiresAt: read('expiresAt'),
  }
  return createAuth(parts, onFault)
}

/** The names that a body has for parts of an identity. */
const BODY_NAMES: Readonly<Record<string, string>> = { clientId: 'client_id', expiresAt: 'exp' }

/** Takes the identity out of the body of an endpoint: `principal`, `attributes`, and fields of RFC 7662 §2.2. */
export function parseBodyIdentity(body: unknown, tenant: unknown, onFault: OnFault): Auth {
  if (!isRecord(body)) return NOBODY
  const scope = readName(body, 'scope')
  const exp = readName(body, 'exp')
  const scopes = typeof scope === 'string' ? splitScope(scope) : undefined
  if (scopes === undefined && scope !== undefined) onFault({ field: 'scope', expected: 'a string' })
  const parts: Parts = {
    principal: readName(body, 'principal'),
    attributes: readName(body, 'attributes'),
    scopes,
    clientId: readName(body, 'client_id'),
    tenant: tenant ?? undefined,
    expiresAt: typeof exp === 'number' ? Math.max(0, exp * 1000) : exp,
  }
  return createAuth(parts, (fault) =>
    onFault({ ...fault, field: BODY_NAMES[fault.field] ?? fault.field }),
  )
}

/** RFC 6749 §3.3: scopes have one blank between them. */
export function splitScope(scope: string): string[] {
  return scope.split(' ').filter((one) => one !== '')
}

function createAuth(parts: Parts, onFault: OnFault): Auth {
  const facts = parseFacts(parts, onFault)
  const principal = parseText('principal', parts.principal, onFault)
  const attributes = parseAttributes(parts.attributes, onFault)
  if (principal === undefined || attributes === undefined) {
    // Of an identity that is dropped only the end stays, which restricts.
    const { expiresAt } = facts
    return anonymous(NO_ATTRIBUTES, expiresAt === undefined ? {} : { expiresAt })
  }
  if (principal === '') return anonymous(attributes, facts)
  return Object.freeze({ __proto__: null, principal, attributes, ...facts })
}

// Without a prototype: a `principal` on Object.prototype would name a caller, and `scopes` there would grant rights.
function anonymous(attributes: Auth['attributes'], facts: Facts): Auth {
  if (attributes === NO_ATTRIBUTES && Object.keys(facts).length === 0) return NOBODY
  return Object.freeze({ __proto__: null, attributes, ...facts })
}

/** A wrong one is left out. */
function parseFacts(parts: Parts, onFault: OnFault): Facts {
  const { scopes, claims, expiresAt } = parts
  const facts: Facts = {}
  const list = typeof scopes === 'string' ? undefined : parseList(scopes)
  if (list !== undefined) facts.scopes = list
  else if (scopes !== undefined) onFault({ field: 'scopes', expected: 'a list of strings' })
  for (const field of ['clientId', 'tenant'] as const) {
    const text = parseText(field, parts[field], onFault)
    if (text !== undefined && text !== '') facts[field] = text
  }
  const copy = claims === undefined ? undefined : copyClaims(claims, onFault)
  if (copy !== undefined) facts.claims = copy
  const isTime = typeof expiresAt === 'number' && expiresAt >= 0 && expiresAt < Infinity
  if (isTime) facts.expiresAt = expiresAt
  else if (expiresAt !== undefined) onFault({ field: 'expiresAt', expected: 'a number' })
  return facts
}

/** Returns `''`, which names nothing, for no text, and `undefined` for a wrong one. */
function parseText(field: keyof Parts, value: unknown, onFault: OnFault): string | undefined {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  onFault({ field, expected: 'a string' })
  return undefined
}

function parseAttributes(value: unknown, onFault: OnFault): Auth['attributes'] | undefined {
  // Shared, since an object without a prototype takes 200 bytes, and cached decisions are many.
  if (value === undefined || value === null) return NO_ATTRIBUTES
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
