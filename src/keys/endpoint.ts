import { allow, deny, refuse } from './answer.ts'
import { hashKey } from './secret.ts'
import { findOpening } from './keyring.ts'
import { readKeyQuestion } from './question.ts'
import type { Keyring } from './keyring.ts'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** What the endpoint decides by. */
export interface KeyEndpointParts {
  /** The keys as they are now; throws if that is not known. */
  readonly currentKeys: () => Keyring
  readonly maxAgeSeconds: number
  readonly endpointSecret: string | undefined
  readonly now?: () => number
}

/** The endpoint of the contract. Never rejects: what goes wrong is a 500, which lets nobody in. */
export function createEndpointHandler(
  parts: KeyEndpointParts,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await answer(request, parts)
    } catch {
      return refuse(500, 'The keys cannot be read now')
    }
  }
}

async function answer(request: Request, parts: KeyEndpointParts): Promise<Response> {
  const { currentKeys, maxAgeSeconds, endpointSecret, now = Date.now } = parts
  if (request.method !== 'POST') return refuse(405, 'Questions are sent by POST', { allow: 'POST' })
  if (endpointSecret !== undefined && !(await isSecretSent(request, endpointSecret))) {
    return refuse(403, 'The header "x-auth-secret" is missing or wrong')
  }
  const question = await readKeyQuestion(request)
  if (!question.isValid) return refuse(question.status, question.message)
  const wanted = await hashKey(question.key)
  // From here on nothing is waited for: what is revoked by now is refused.
  const opening = findOpening(currentKeys(), wanted, question.path, now())
  return opening === undefined ? deny(maxAgeSeconds) : allow(opening, maxAgeSeconds)
}

// `verify` compares in constant time, so the time tells a client nothing about the secret.
async function isSecretSent(request: Request, secret: string): Promise<boolean> {
  const encoder = new TextEncoder()
  const expected = encoder.encode(secret)
  const sent = encoder.encode(request.headers.get('x-auth-secret') ?? '')
  const key = await crypto.subtle.importKey('raw', expected, HMAC, false, ['sign', 'verify'])
  return crypto.subtle.verify('HMAC', key, await crypto.subtle.sign('HMAC', key, expected), sent)
}
