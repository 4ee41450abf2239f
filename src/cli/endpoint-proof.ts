import type { AskWithRandomKey, RandomKeyResult } from './random-key.ts'

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
