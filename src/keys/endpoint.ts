import { ignore } from '../core/async.ts'
import { ENDPOINT_SECRET } from '../core/endpoint/verdict.ts'
import { shownText } from '../core/redaction.ts'
import { endOfKey, judgeBy } from './keyring.ts'
import { readKeyQuestion } from './question.ts'
import type { FindKey } from './error.ts'
import type { JudgeKey } from './keyring.ts'
import type { KeyEndpointEvent, ResolvedKeyEndpointOptions } from './options.ts'
import type { StoredKey } from './record.ts'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }
// As long as `withAuth` caches a denial by default.
const DENIAL_SECONDS = 5

export interface KeyEndpointParts extends Omit<
  ResolvedKeyEndpointOptions,
  'onError' | 'onWarning'
> {
  /** Returns the key with this hash as it is now. Throws if the keys are unknown. */
  readonly findKey: FindKey
  /** Is told of each key that has passed. */
  readonly notePassed: (key: StoredKey) => void
}

interface Rules extends Pick<KeyEndpointParts, 'maxAgeSeconds' | 'endpointSecret' | 'notePassed'> {
  readonly judge: JudgeKey
}

type Facts = Pick<KeyEndpointEvent, 'keyId' | 'principal' | 'path' | 'detail' | 'cause'>

/** Makes the auth endpoint. Its promise never rejects: a failure becomes a 500, which admits no request. */
export function createEndpointHandler(
  parts: KeyEndpointParts,
): (request: Request) => Promise<Response> {
  const { findKey, onEvent } = parts
  const rules = { ...parts, judge: judgeBy(findKey) }
  return async (request) => {
    const startedAt = performance.now()
    let facts: Facts = {}
    const learn = (learned: Facts): void => void (facts = learned)
    const response = await answer(request, rules, learn).catch(() =>
      fail(500, 'The keys cannot be read now'),
    )
    if (onEvent === undefined) return response
    const durationMs = performance.now() - startedAt
    const event = { type: 'answer', status: response.status, durationMs, ...facts } as const
    // The promise catches an observer that throws: it must not change the answer.
    ignore(new Promise((resolve) => resolve(onEvent(event))))
    return response
  }
}

async function answer(
  request: Request,
  { judge, maxAgeSeconds, endpointSecret, notePassed }: Rules,
  learn: (facts: Facts) => void,
): Promise<Response> {
  if (request.method !== 'POST') return fail(405, 'Send questions by POST', { allow: 'POST' })
  if (endpointSecret !== undefined && !(await isSecretSent(request, endpointSecret))) {
    learn({ cause: ENDPOINT_SECRET })
    // An outage: a 403 would look as if every key were wrong.
    return Response.json(
      {
        error: { message: 'The header "x-auth-secret" is missing or wrong', code: ENDPOINT_SECRET },
      },
      { status: 500, headers: cacheFor(0) },
    )
  }
  const question = await readKeyQuestion(request)
  if (!('key' in question)) return fail(...question)
  const path = shownText(question.path, [question.key]) ?? ''
  learn({ path })
  const { found, detail } = await judge(question.key, question.path)
  const named = found && { keyId: found.id, principal: found.principal }
  learn({ path, ...named, ...(detail === undefined ? {} : { detail }) })
  if (found === undefined || detail !== undefined) return deny(maxAgeSeconds)
  notePassed(found)
  return allow(found, maxAgeSeconds)
}

// `verify` compares in constant time: its duration reveals nothing about the secret.
async function isSecretSent(request: Request, secret: string): Promise<boolean> {
  const encoder = new TextEncoder()
  const expected = encoder.encode(secret)
  const sent = encoder.encode(request.headers.get('x-auth-secret') ?? '')
  const key = await crypto.subtle.importKey('raw', expected, HMAC, false, ['sign', 'verify'])
  return crypto.subtle.verify('HMAC', key, await crypto.subtle.sign('HMAC', key, expected), sent)
}

function allow(key: StoredKey, maxAgeSeconds: number): Response {
  const { principal, attributes, tenant } = key
  const endsAt = endOfKey(key)
  // RFC 7662 §2.2. `exp` also ends the use of the cached decision during an outage.
  const end = endsAt === Infinity ? {} : { exp: endsAt / 1000 }
  const headers = cacheFor(Math.min(maxAgeSeconds, Math.floor((endsAt - Date.now()) / 1000)))
  return Response.json({ principal, attributes, tenant, ...end }, { headers })
}

/** The same answer for a key that is unknown, revoked, expired or not for this path. */
function deny(maxAgeSeconds: number): Response {
  return fail(401, 'This key is not valid here', {
    ...cacheFor(Math.min(maxAgeSeconds, DENIAL_SECONDS)),
    // RFC 9110 §15.5.2
    'www-authenticate': 'Bearer realm="keys"',
  })
}

/** Any answer but an allow. Forbids caching by default. */
function fail(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const init = { status, headers: { ...cacheFor(0), ...headers } }
  return Response.json({ error: { message } }, init)
}

function cacheFor(seconds: number): { readonly 'cache-control': string } {
  return { 'cache-control': seconds > 0 ? `max-age=${seconds}` : 'no-store' }
}
