import { parseVerifier } from '../core/config/verifier.ts'
import { createGate, enter } from '../core/gate.ts'
import { createRandomKey } from '../verifiers/random-key.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Rejection } from '../core/response/denial.ts'

/** `open`: the endpoint allows a random key. `unproven`: it has not answered yet. */
export type ProofState = 'proven' | 'open' | 'unproven'

export interface EndpointProof {
  readonly state: () => ProofState
  /** Why it is not proven: `open`, or the reason for a missing answer, such as `ECONNREFUSED`. */
  readonly cause: () => string | undefined
  /** Asks once, and schedules the next checks. */
  readonly start: () => Promise<ProofState>
  readonly stop: () => void
}

interface ProofOptions {
  readonly ask: AskWithRandomKey
  /** Called for the first state, unless `state` gave it, and for each change. */
  readonly onChange: (state: ProofState, cause: string | undefined) => void
  /** The result of an earlier proof of the same endpoint. */
  readonly state?: ProofState | undefined
}

const EVERY_MS = 600_000
// For an endpoint that is open or unproven.
const RETRY_MS = 2000

/**
 * Asks the endpoint about a random key every ten minutes. A missing answer keeps the state: during an outage every request is
 * rejected anyway.
 */
export function createEndpointProof(options: ProofOptions): EndpointProof {
  const { ask, onChange } = options
  let { state = 'unproven' } = options
  let told = options.state
  let cause: string | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  const askAgain = async (): Promise<ProofState> => {
    const result = await ask()
    if (result.state !== 'unproven') state = result.state
    cause = { proven: undefined, open: 'open', unproven: result.cause }[state]
    if (state !== told) onChange(state, cause)
    told = state
    const afterMs = state === 'proven' ? EVERY_MS : RETRY_MS
    if (!isStopped) timer = setTimeout(() => void askAgain(), afterMs)
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

interface RandomKeyResult {
  readonly state: ProofState
  /** Why there is no answer: a code such as `ECONNREFUSED`, or a reason such as `timeout`. */
  readonly cause?: string
}

/** With `identity: 'required'`, a 200 without a principal denies as well. */
const DENIALS: ReadonlySet<string> = new Set(['denied', 'forbidden', 'invalid_response'])

type AskWithRandomKey = () => Promise<RandomKeyResult>

/** The path in the question, so that the author of the endpoint recognizes it. */
const TOLD_URL = 'http://127.0.0.1/with-auth/random-key'

/**
 * Asks exactly as the wrapper asks, and each verifier of several by itself. An endpoint that allows a random key is usually the
 * wrong URL: a health check or a single-page app, which answers 200 to every request. A verifier that trusts its network is not
 * asked: it allows every key.
 */
export function createRandomKeyAsker(config: AuthConfig): AskWithRandomKey {
  if (config.verifier === undefined) return createAsker(config)
  const { members } = parseVerifier(config.verifier, ['verifier'])
  const asked = members.filter(({ trustsNetwork }) => !trustsNetwork)
  const askers = asked.map((verifier) => createAsker({ ...config, verifier }, verifier.warnings))
  return async () => {
    const results = await Promise.all(askers.map((ask) => ask()))
    const [first] = WORST_FIRST.flatMap((state) => results.filter((one) => one.state === state))
    return first ?? { state: 'proven' }
  }
}

const WORST_FIRST: readonly ProofState[] = ['open', 'unproven', 'proven']

function createAsker(config: AuthConfig, known: readonly string[] = []): AskWithRandomKey {
  const header = headerOfVerifier(config)
  const proving: AuthConfig = {
    ...questionOf(config),
    credentials: header === undefined ? 'bearer' : { header },
    public: [],
    preflight: 'deny',
    mode: 'enforce',
    cache: false,
    // Replaces the default, which logs to the console. Before the proof no request reaches the verifier, so only this question
    // can warn of what it is missing.
    onEvent: (event) => {
      const isNew = event.type === 'warning' && !known.includes(event.message)
      if (isNew && config.verifier !== undefined) config.onEvent?.(event)
    },
  }
  const { decide } = createGate(proving, toldAddress)
  return async () => {
    const key = createRandomKey()
    const headers = { authorization: `Bearer ${key}`, ...(header && { [header]: key }) }
    const decision = decide(new Request(TOLD_URL, { headers }), [])
    return enter(decision, () => ({ state: 'open' }), withoutAllow)
  }
}

function withoutAllow({ reason, cause = reason }: Rejection): RandomKeyResult {
  return DENIALS.has(reason) ? { state: 'proven' } : { state: 'unproven', cause }
}

// The question leaves policies out: one that forbids its path would hide that the endpoint allows every key.
function questionOf(config: AuthConfig): AuthConfig {
  const { onEvent: _, respond: _r, ...rest } = config
  const { authorize: _a, routePolicy: _p, resource: _m, ...asked } = rest
  const { context } = asked
  if (context?.clientAddress === undefined) return asked
  return { ...asked, context: { ...context, clientAddress: toldAddress } }
}

/** An address for documentation, which no client has (RFC 5737). */
function toldAddress(): string {
  return '192.0.2.1'
}

/** The header of the key, if a verifier may read it there itself. */
function headerOfVerifier({ verifier, credentials }: AuthConfig): string | undefined {
  if (verifier === undefined || typeof credentials !== 'object') return undefined
  return 'header' in credentials ? credentials.header : undefined
}
