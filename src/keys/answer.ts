import { endOfKey } from './state.ts'
import type { OpeningKey } from './keyring.ts'

// As long as guards keep denials unless they are told otherwise.
const DENIAL_SECONDS = 5

/** The answer that lets in: who it is, and how long that may be kept, which is never longer than the key lasts. */
export function allow({ key, lifeMs }: OpeningKey, maxAgeSeconds: number): Response {
  const { principal, attributes } = key
  const seconds = Math.min(maxAgeSeconds, Math.floor(lifeMs / 1000))
  // RFC 7662 §2.2. A guard that keeps answers longer in an outage knows by it when to stop.
  const end = lifeMs === Infinity ? {} : { exp: endOfKey(key) / 1000 }
  return respond(200, { principal, attributes, ...end }, { 'cache-control': freshness(seconds) })
}

/** The answer to a key that does not open: the same whether it is unknown, revoked, expired or for another path. */
export function deny(maxAgeSeconds: number): Response {
  return respond(401, describe('This key is not valid here'), {
    'cache-control': freshness(Math.min(maxAgeSeconds, DENIAL_SECONDS)),
    // RFC 9110 §15.5.2
    'www-authenticate': 'Bearer realm="keys"',
  })
}

/** The answer to what is no question, or cannot be answered. It says nothing about a key, so nobody must keep it. */
export function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return respond(status, describe(message), { 'cache-control': 'no-store', ...headers })
}

function respond(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
): Response {
  const fields = { 'content-type': 'application/json', ...headers }
  return new Response(JSON.stringify(body), { status, headers: fields })
}

function describe(message: string): object {
  return { error: { message } }
}

function freshness(seconds: number): string {
  return seconds > 0 ? `max-age=${seconds}` : 'no-store'
}
