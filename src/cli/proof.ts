import { createAuthenticator } from '../core/authenticator.ts'
import type { AuthConfig } from '../core/auth-config.ts'

/** `open`: it lets anybody in. `unproven`: it has not answered yet. */
export type ProofState = 'proven' | 'open' | 'unproven'

/** Knows whether the endpoint says no to a random key. */
export interface EndpointProof {
  readonly state: () => ProofState
  /** Why it is not proven: `open`, or why the endpoint gave no answer, such as `ECONNREFUSED`. */
  readonly cause: () => string | undefined
  /** Asks for the first time, and then again and again. */
  readonly start: () => Promise<ProofState>
  readonly stop: () => void
}

export interface ProofOptions {
  readonly ask: AskWithRandomKey
  /** Is told the first state unless it is known already, and each that is another. */
  readonly onChange: (state: ProofState, cause: string | undefined) => void
  /** The state that an earlier proof of this endpoint found. */
  readonly state?: ProofState | undefined
  /** How long a proof holds, in milliseconds. */
  readonly everyMs?: number
  /** How long to wait after what was no proof, in milliseconds. */
  readonly retryMs?: number
}

const EVERY_MS = 600_000
const RETRY_MS = 2000

/**
 * Asks the endpoint with a random key, every ten minutes. Without an answer a proof still holds: an outage refuses by
 * itself, and says nothing about what the endpoint is.
 */
export function createEndpointProof(options: ProofOptions): EndpointProof {
  const { ask, onChange, everyMs = EVERY_MS, retryMs = RETRY_MS } = options
  let { state = 'unproven' } = options
  let told = options.state
  let cause: string | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  const askAgain = async (): Promise<ProofState> => {
    const result = await ask()
    state = stateAfter(result, state)
    cause = causeOf(state, result)
    if (state !== told) onChange(state, cause)
    told = state
    if (!isStopped)
      timer = setTimeout(() => void askAgain(), state === 'proven' ? everyMs : retryMs)
    return state
  }
  return {
    state: () => state,
    cause: () => cause,
    start: askAgain,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function stateAfter({ outcome }: RandomKeyResult, state: ProofState): ProofState {
  if (outcome === 'no_answer') return state
  return outcome === 'refused' ? 'proven' : 'open'
}

function causeOf(state: ProofState, result: RandomKeyResult): string | undefined {
  if (state === 'proven') return undefined
  return state === 'open' ? 'open' : result.cause
}

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
