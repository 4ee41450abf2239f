import { createAuthenticator, memoryCache } from '../../src/index.ts'
import { redisStore } from '../../src/redis.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type {
  AuthEvent,
  DecisionEvent,
  DecisionStore,
  MemoryCacheOptions,
  StoreEvent,
  Verdict,
} from '../../src/index.ts'
import type { RedisStoreOptions } from '../../src/redis.ts'

export const SECRET = 'a secret of the operator, 32 bytes or more'

export interface ConnectedGuard {
  /** The decision event of a request with this token. */
  readonly ask: (token?: string) => Promise<DecisionEvent>
  readonly invalidate: (token: string) => Promise<void>
  readonly invalidateBy: (by: { sha256: string }) => Promise<void>
  readonly clear: () => Promise<void>
  readonly events: AuthEvent[]
  readonly states: () => string[]
  /** Waits for a state of the store. */
  readonly until: (state: StoreEvent['state']) => Promise<void>
  readonly store: DecisionStore
}

export type AnswerQuestion = (token: string) => Verdict | Promise<Verdict>

const guards: ConnectedGuard[] = []
let requests = 0
let tests = 0

/** A guard that is connected to an engine, as one of several instances. */
export function connectGuard(
  answer: AnswerQuestion,
  options: RedisStoreOptions,
  { allowTtlMs = 60_000 }: MemoryCacheOptions = {},
): ConnectedGuard {
  const events: AuthEvent[] = []
  const onEvent = (event: AuthEvent): void => void events.push(event)
  const store = redisStore({ scope: 'test', ...options })
  const cache = memoryCache({ allowTtlMs, store, onEvent })
  const authenticate = createAuthenticator({
    verifier: defineVerifier({ ask: ({ token }) => answer(token), id: 'answer' }),
    context: { headers: [], params: 'none', path: false },
    cache,
    requestIdHeader: 'x-request-id',
    onEvent,
  })
  const stateEvents = (): StoreEvent[] => events.filter((event) => event.type === 'store')
  const guard = {
    ask: async (token = 'token-of-alice') => {
      requests += 1
      const id = `request-${requests}`
      const headers = { authorization: `Bearer ${token}`, 'x-request-id': id }
      await authenticate(new Request('http://api.test/', { headers }))
      const decisions = events.filter((event) => event.type === 'decision')
      const decision = decisions.find(({ requestId }) => requestId === id)
      if (decision === undefined) throw new Error('No decision was reported')
      return decision
    },
    invalidate: cache.invalidate,
    invalidateBy: cache.invalidateBy,
    clear: cache.clear,
    events,
    states: () => stateEvents().map(({ state }) => state),
    until: (state: StoreEvent['state']) => until(() => stateEvents().at(-1)?.state === state),
    store,
  }
  guards.push(guard)
  return guard
}

/** A guard whose store can be reached. */
export async function connectLiveGuard(
  ...args: Parameters<typeof connectGuard>
): Promise<ConnectedGuard> {
  const guard = connectGuard(...args)
  await guard.ask('first-token')
  await guard.until('live')
  return guard
}

/** After each test. */
export function stopGuards(): void {
  tests += 1
  for (const { store } of guards.splice(0)) store.stop()
}

/** Waits until something holds. Throws after `stopGuards`: a test that was too slow must not go on during the next one. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const test = tests
  for (;;) {
    const isDone = await holds()
    if (test !== tests) throw new Error('The test is over')
    if (isDone) return
    await pause(2)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}
