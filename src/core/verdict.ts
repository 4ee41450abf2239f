import type { Auth } from './types.ts'

/** What the rest of the core works with: a verdict whose identity is checked and frozen. */
export type CheckedVerdict = AllowVerdict | DenyVerdict

export interface AllowVerdict {
  readonly outcome: 'allow'
  readonly auth: Auth
  /** How long it may be kept; `0`: neither kept nor shared. */
  readonly maxAgeMs?: number
  /** It must not be used once it has expired, whatever happens. */
  readonly mustRevalidate?: true
  /** The time of day at which what it says about the token ends, in milliseconds since 1970. */
  readonly endsAt?: number
}

export interface DenyVerdict {
  readonly outcome: 'deny'
  /** Whether it may be kept at all: a 404 says that the endpoint is elsewhere, and nothing about the token. */
  readonly isLasting: boolean
  readonly maxAgeMs?: number
}

export const NOBODY: Auth = Object.freeze({ attributes: Object.freeze(emptyAttributes()) })

/** The text of a body as JSON, or `undefined` if it is none. */
export function parseJson(text: string): unknown {
  // Most endpoints say nothing, and an error that is thrown and caught costs more than the rest of a check.
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/**
 * Takes the identity out of an endpoint's body or of a verifier's verdict. Only `principal` and `attributes` are
 * looked at, and only own properties. Never half an identity: `undefined` if either has the wrong shape.
 */
export function parseIdentity(value: unknown): Auth | undefined {
  if (!isRecord(value)) return undefined
  const principal = ownValue(value, 'principal')
  if (principal !== undefined && typeof principal !== 'string') return undefined
  const attributes = parseAttributes(ownValue(value, 'attributes'))
  if (attributes === undefined) return undefined
  if (principal === undefined || principal === '') return Object.freeze({ attributes })
  return Object.freeze({ principal, attributes })
}

/** Checks what a custom verifier returned. Throws a `TypeError` for anything that is not a verdict. */
export function checkVerdict(value: unknown): CheckedVerdict {
  if (!isRecord(value)) throw new TypeError('The verifier returned no verdict')
  const outcome = ownValue(value, 'outcome')
  const maxAgeMs = ownValue(value, 'maxAgeMs')
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0)) {
    throw new TypeError('The verifier returned a verdict with a bad "maxAgeMs"')
  }
  const age = maxAgeMs === undefined ? {} : { maxAgeMs }
  if (outcome === 'deny') return { outcome, isLasting: true, ...age }
  if (outcome !== 'allow') throw new TypeError('The verifier returned no known outcome')
  const auth = parseIdentity(value)
  if (auth === undefined) throw new TypeError('The verifier returned a malformed identity')
  return { outcome, auth, ...age }
}

function parseAttributes(value: unknown): Auth['attributes'] | undefined {
  // Shared, since an object without a prototype takes 200 bytes, and kept verdicts are many.
  if (value === undefined || value === null) return NOBODY.attributes
  const attributes = emptyAttributes()
  if (!isRecord(value)) return undefined
  for (const name of Object.keys(value)) {
    const list = value[name]
    if (!isStringList(list)) return undefined
    attributes[name] = Object.freeze([...list])
  }
  return Object.freeze(attributes)
}

function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ownValue(record: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function emptyAttributes(): Record<string, readonly string[]> {
  return Object.create(null) as Record<string, readonly string[]>
}
