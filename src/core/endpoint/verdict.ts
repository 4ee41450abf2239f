import { faultMessage } from './identity-faults.ts'
import { emptyRecord } from '../request/question.ts'
import type { OnFault } from './identity-faults.ts'
import type { BodyResult } from './response-body.ts'
import type { Check } from '../request/check.ts'
import type { Auth } from '../types.ts'

/** A verdict whose identity is checked and frozen. */
export type ParsedVerdict = AllowVerdict | DenyVerdict

export type PendingVerdict = ParsedVerdict | Promise<ParsedVerdict>

/** Answers a check by the deadline, a time of `Clock.now`. Throws `AuthUnavailableError` without a verdict. */
export type Verifier = (check: Check, deadline: number) => PendingVerdict

/** Answers a check until the signal aborts. `enforceDeadline` makes a {@link Verifier} of it. */
export type TimedVerifier = (check: Check, deadline: number, signal: AbortSignal) => PendingVerdict

export interface AllowVerdict {
  readonly outcome: 'allow'
  readonly auth: Auth
  /** How long it may be cached; `0`: neither cached nor shared. */
  readonly maxAgeMs?: number
  /** It must not stand in after it has expired. */
  readonly mustRevalidate?: true
  /** How long ago the endpoint was asked, if another instance asked it, in milliseconds. */
  readonly ageMs?: number
  /** The time of day at which the endpoint says that the token ends, in milliseconds since 1970. */
  readonly endsAt?: number
  /** Lets other instances take it. Called once it is known that it may be cached. */
  readonly share?: () => void
}

export interface DenyVerdict {
  readonly outcome: 'deny'
  /** Whether it may be cached at all: a 404 says that the endpoint is elsewhere, and nothing about the token. */
  readonly isLasting: boolean
  readonly maxAgeMs?: number
  readonly ageMs?: undefined
}

/** An identity without principal and attributes. */
export const NOBODY: Auth = anonymous(Object.freeze(emptyRecord<never>()))

// Without a prototype, so that a `principal` on Object.prototype names no caller.
function anonymous(attributes: Auth['attributes']): Auth {
  return Object.freeze({ __proto__: null, attributes })
}

const BODY_MUST_BE: Readonly<Record<BodyResult['state'], string>> = {
  complete: 'JSON',
  not_utf8: 'UTF-8',
  too_long: 'at most 64 KiB long',
  broken: 'complete, and it broke off',
  timeout: 'complete, and did not end within "timeoutMs"',
}

/** The value of a JSON text, or `undefined` if it is not JSON. */
export function parseJson(text: string): unknown {
  // Most endpoints send no body, and an error that is thrown and caught costs more than the rest of a check.
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The JSON of a 200, or `undefined`. A body that cannot be parsed is a fault only if its content type says JSON. */
export function parseBody(
  body: BodyResult,
  headers: { get(name: string): string | null },
  onFault: OnFault,
): unknown {
  if (body.state === 'complete' && body.text === '') return undefined
  const json = body.state === 'complete' ? parseJson(body.text) : undefined
  if (json === undefined && /[/+]json\b/i.test(String(headers.get('content-type')))) {
    onFault({ field: 'body', expected: BODY_MUST_BE[body.state] })
  }
  return json
}

/**
 * Takes the identity out of an endpoint's body or of a verifier's verdict: the own properties `principal` and `attributes`.
 * Never returns half an identity: a wrong attribute may be the one that restricts the caller. So one fault drops both.
 */
export function parseIdentity(value: unknown, onFault: OnFault): Auth {
  if (!isRecord(value)) return NOBODY
  const principal = parsePrincipal(ownValue(value, 'principal'), onFault)
  const attributes = parseAttributes(ownValue(value, 'attributes'), onFault)
  if (principal === undefined || attributes === undefined) return NOBODY
  if (principal !== '') return Object.freeze({ principal, attributes })
  return attributes === NOBODY.attributes ? NOBODY : anonymous(attributes)
}

/** Parses what a custom verifier returned. Throws a `TypeError` if it is not a verdict. */
export function parseVerdict(value: unknown, token: string): ParsedVerdict {
  if (!isRecord(value)) throw new TypeError('The verifier returned no verdict')
  const outcome = ownValue(value, 'outcome')
  const maxAgeMs = ownValue(value, 'maxAgeMs')
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0)) {
    throw new TypeError('The verifier returned a verdict with a bad "maxAgeMs"')
  }
  const age = maxAgeMs === undefined ? {} : { maxAgeMs }
  if (outcome === 'deny') return { outcome, isLasting: true, ...age }
  if (outcome !== 'allow') throw new TypeError('The verifier returned no known outcome')
  const auth = parseIdentity(value, (fault) => {
    const wrong = faultMessage(fault, token)
    throw new TypeError(`The verifier returned a malformed identity: ${wrong}`)
  })
  return { outcome, auth, ...age }
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

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ownValue(record: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
