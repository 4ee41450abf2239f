import { createAuthenticator } from '../core/authenticator.ts'
import type { AuthConfig } from '../core/auth-config.ts'

/** What became of a key that nobody has been given. */
export type RandomKeyOutcome = 'refused' | 'let_in' | 'no_answer'

export interface RandomKeyResult {
  readonly outcome: RandomKeyOutcome
  /** Why there is no answer: a code such as `ECONNREFUSED`, else the reason, such as `timeout`. */
  readonly cause?: string
}

/** Asks whether a key that was made up just now would be let in. Never rejects. */
export type AskWithRandomKey = () => Promise<RandomKeyResult>

/** The path that the endpoint is told, so that its author recognizes the question. */
const TOLD_URL = 'http://127.0.0.1/with-auth/random-key'

/**
 * Asks in the way that the guard asks, with its own code and what is configured. An endpoint that lets a random key in is
 * no endpoint: a page that answers 200 to everybody, such as a health check or a single-page app.
 */
export function createRandomKeyAsker(config: AuthConfig): AskWithRandomKey {
  const { onEvent: _, respond: __, ...asked } = config
  const authenticate = createAuthenticator({
    ...asked,
    credentials: 'bearer',
    public: [],
    preflight: 'deny',
    mode: 'enforce',
    cache: false,
    // The caller reports the result, so the console stays silent.
    onEvent: () => undefined,
  })
  return async () => {
    const headers = { authorization: `Bearer ${createRandomKey()}` }
    const result = await authenticate(new Request(TOLD_URL, { headers }))
    if (result.ok) return { outcome: 'let_in' }
    // With `identity: 'required'` a 200 that names nobody lets nobody in either.
    const isRefusal = result.reason === 'denied' || result.reason === 'invalid_response'
    if (isRefusal) return { outcome: 'refused' }
    return { outcome: 'no_answer', cause: result.cause ?? result.reason }
  }
}

/** A key with 256 random bits, which nobody has. */
export function createRandomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return `random_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
