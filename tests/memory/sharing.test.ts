import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createGate } from '../../src/core/gate.ts'
import { memoryCache } from '../../src/memory/memory-cache.ts'
import { partitionOf } from './cached-endpoint.ts'
import { SharedCalls } from '../../src/core/asking/shared-calls.ts'
import { createFacts } from '../../src/core/request/check.ts'
import { systemClock } from '../../src/core/runtime.ts'
import { checkOf } from '../support/checks.ts'
import { pause } from '../support/connected-guards.ts'
import { AuthUnavailableError } from '../../src/index.ts'
import { createMemoryStore } from '../support/memory-store.ts'
import { get } from '../support/requests.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type { Recalled, SharedAllow } from '../../src/core/seams.ts'
import type { ParsedVerdict } from '../../src/core/endpoint/verdict.ts'
import type { Gate } from '../../src/core/gate.ts'
import type {
  AskVerifier,
  AuthConfig,
  AuthEvent,
  DecisionCache,
  DecisionStore,
  Verdict,
} from '../../src/index.ts'
import type { SharedMemory } from '../support/memory-store.ts'

/** Allows that instances share, and what must not be shared or taken. */

const TOKEN = 'token-of-alice'
const CACHE = { allowTtlMs: 60_000, denyTtlMs: 1, staleIfErrorMs: 0 }
const asked = vi.fn<AskVerifier>()
const decider = defineVerifier({ ask: asked, id: 'asked' })
let memory: SharedMemory = { allows: new Map(), revocations: 0 }
beforeEach(() => {
  memory = { allows: new Map(), revocations: 0 }
  asked.mockReset().mockReturnValue({ outcome: 'allow' })
})

function configOf(
  store: DecisionStore,
  more: AuthConfig = {},
): AuthConfig & { cache: DecisionCache } {
  const cache = memoryCache({ ...CACHE, store })
  return { verifier: decider, context: { headers: [] }, ...more, cache }
}

const instance = (more: AuthConfig = {}): Gate =>
  createGate(configOf(createMemoryStore(memory), more))

async function isAdmitted(gate: Gate, path = '/', token = TOKEN): Promise<boolean> {
  const { admitted } = await gate.decide(get(path, token), [])
  return admitted
}

/** The endpoint denies at this gate, then allows at another instance, and denies from then on. */
async function allowElsewhere(gate: Gate, path = '/'): Promise<void> {
  const denial = { outcome: 'deny', maxAgeMs: 0 } as const
  asked.mockReturnValue(denial)
  expect(await isAdmitted(gate, path)).toBe(false)
  asked.mockReturnValue({ outcome: 'allow' })
  expect(await isAdmitted(instance(), path)).toBe(true)
  expect(memory.allows.size).toBe(1)
  asked.mockReturnValue(denial)
}

it('an instance takes the allow of another', async () => {
  const onEvent = vi.fn<(event: AuthEvent) => void>()
  expect(await isAdmitted(instance())).toBe(true)
  const other = instance({ onEvent })
  expect(await isAdmitted(other)).toBe(true)
  expect(asked).toHaveBeenCalledOnce()
  expect(onEvent).toHaveBeenCalledWith(expect.objectContaining({ cache: 'remote' }))
})

it('an instance takes no allow of one that decides in another way, or has another scope', async () => {
  const store = createMemoryStore(memory)
  await isAdmitted(createGate(configOf(store)))
  asked.mockReturnValue({ outcome: 'deny' })
  const shared = store.shared && { ...store.shared, scope: 'another' }
  for (const other of [configOf(store, { identity: 'required' }), configOf({ ...store, shared })]) {
    expect(await isAdmitted(createGate(other))).toBe(false)
  }
})

it('a guard that forgets what it was allowed takes no older allow of others, also before its first request', async () => {
  const store = createMemoryStore(memory)
  const started = vi.spyOn(store, 'start')
  const config = configOf(store)
  const [gate, other] = [createGate(config), createGate({ ...config, identity: 'required' })]
  asked.mockReturnValue({ outcome: 'allow', principal: 'alice' })
  for (const one of [config, { ...config, identity: 'required' } as const]) {
    await isAdmitted(createGate({ ...one, cache: memoryCache({ ...CACHE, store }) }))
  }
  started.mockClear()
  asked.mockReturnValue({ outcome: 'deny' })
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + 1 })
  gate.forget()
  expect(started).not.toHaveBeenCalled()
  expect(await isAdmitted(gate)).toBe(false)
  expect(started).toHaveBeenCalled()
  // Of a guard that decides in another way nothing is forgotten.
  expect(await isAdmitted(other)).toBe(true)
})

it('two functions without an id share nothing, whichever an instance asks first', async () => {
  const [open, strict] = (['allow', 'deny'] as const).map((outcome) => (): Verdict => ({ outcome }))
  const options = (): AuthConfig => ({
    context: { headers: [] },
    cache: memoryCache({ ...CACHE, store: createMemoryStore(memory) }),
  })
  const attack = async (): Promise<boolean> => {
    const [first, second] = [options(), options()]
    await isAdmitted(createGate({ ...first, ...(open && { verifier: open }) }))
    await isAdmitted(createGate({ ...first, ...(strict && { verifier: strict }) }))
    return isAdmitted(createGate({ ...second, ...(strict && { verifier: strict }) }))
  }
  await expect(attack()).rejects.toThrow('since the verifier has no id')
})

it('a partition for a function without an id shares nothing, even if no config check stopped it', () => {
  const shares = (own: string): boolean =>
    partitionOf({}, systemClock, createMemoryStore(memory), own).cache.share !== undefined
  expect([shares(''), shares('1')]).toEqual([true, false])
})

it('an older allow of another instance stays refused by the next guard with the same cache', async () => {
  const config = configOf(createMemoryStore(memory))
  await allowElsewhere(createGate(config))
  expect(await isAdmitted(createGate({ ...config, timeoutMs: 900 }))).toBe(false)
})

it('an allow that was outdated while it was asked for is not shared', async () => {
  const gate = instance()
  let answer: (verdict: Verdict) => void = () => undefined
  asked.mockReturnValue(new Promise((resolve) => (answer = resolve)))
  const pending = isAdmitted(gate)
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce())
  gate.forget()
  answer({ outcome: 'allow' })
  expect(await pending).toBe(true)
  expect(memory.allows.size).toBe(0)
  asked.mockReturnValue({ outcome: 'allow' })
  expect(await isAdmitted(gate)).toBe(true)
  expect(memory.allows.size).toBe(1)
})

it('an allow that is too large for the cache is shared', async () => {
  const attributes = { roles: Array.from({ length: 2000 }, (_, at) => `role-${at}`) }
  asked.mockReturnValue({ outcome: 'allow', attributes })
  const cache = memoryCache({ maxEntries: 1, store: createMemoryStore(memory) })
  await isAdmitted(createGate({ verifier: decider, context: { headers: [] }, cache }))
  expect(memory.allows.size).toBe(1)
})

it.each([
  [
    'answers in the last moment',
    (withinMs: number) =>
      new Promise<object>((resolve) => void setTimeout(() => resolve({}), withinMs)),
  ],
  ['never answers', () => new Promise<object>(() => undefined)],
])('a store that %s leaves time for the endpoint', async (_case, look) => {
  asked.mockImplementation(async () => {
    await pause(50)
    return { outcome: 'allow' }
  })
  const gate = createGate(configOf(createMemoryStore(memory, look), { timeoutMs: 2000 }))
  expect(await isAdmitted(gate)).toBe(true)
})

it('a decision keeps the stamp of its own call when its check starts another one', async () => {
  const { cache } = partitionOf(CACHE, systemClock, createMemoryStore(memory))
  const answers: ((verdict: ParsedVerdict) => void)[] = []
  const check = checkOf()
  const facts = createFacts()
  // Each is of another guard, so that they share no call.
  const start = (): Promise<ParsedVerdict> =>
    new SharedCalls({
      run: () => new Promise((resolve) => void answers.push(resolve)),
      timeoutMs: 5000,
      clock: systemClock,
      memory: cache,
      partition: cache,
    }).ask(check, facts, systemClock.now())
  const first = start()
  memory.revocations += 1
  void start()
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  answers[0]?.({ outcome: 'allow', auth: { attributes: {} } })
  await first
  expect(memory.allows.size).toBe(0)
  expect(cache.lookUp(check.token, check.told)).toBeUndefined()
})

it('a late answer of the endpoint drops the allow of another instance, which may be older', async () => {
  const config = configOf(createMemoryStore(memory))
  let answer: (verdict: Verdict) => void = () => undefined
  asked.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)))
  const gate = createGate(config)
  const pending = isAdmitted(gate)
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce())
  await isAdmitted(instance())
  expect(await isAdmitted(createGate({ ...config, realm: 'other' }))).toBe(true)
  expect(asked).toHaveBeenCalledTimes(2)
  memory.allows.clear()
  answer({ outcome: 'allow' })
  await pending
  expect(await isAdmitted(gate)).toBe(true)
  expect(asked).toHaveBeenCalledTimes(3)
})

it('an allow of another instance that comes late leaves the newer one of the endpoint in the cache', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  let tell: (recalled: Recalled) => void = () => undefined
  const looks = [new Promise<Recalled>((resolve) => (tell = resolve))]
  const config = configOf(createMemoryStore(memory, () => looks.pop() ?? Promise.resolve({})))
  const gate = createGate(config)
  const pending = isAdmitted(gate)
  expect(await isAdmitted(createGate({ ...config, realm: 'other' }))).toBe(true)
  vi.advanceTimersByTime(1)
  // By a clock that is ahead. Else it would not be taken.
  tell({ allow: { auth: { attributes: {} }, askedAt: Date.now() + 4999, ttlMs: 60_000 } })
  expect(await pending).toBe(true)
  expect(await isAdmitted(gate)).toBe(true)
  expect(asked).toHaveBeenCalledOnce()
})

it('an older allow of another instance is taken if only other tokens were denied since', async () => {
  const gate = instance()
  expect(await isAdmitted(instance())).toBe(true)
  asked.mockReturnValue({ outcome: 'deny' })
  expect(await isAdmitted(gate, '/', 'made-up')).toBe(false)
  expect(await isAdmitted(gate)).toBe(true)
})

it('an older allow of another instance stays refused in a part of the cache that was closed since', async () => {
  const config = configOf(createMemoryStore(memory))
  const gate = createGate(config)
  await allowElsewhere(gate)
  expect(await isAdmitted(gate)).toBe(false)
  for (let index = 0; index < 1024; index += 1) {
    const other = defineVerifier({ ask: () => ({ outcome: 'allow' }), id: String(index) })
    await isAdmitted(createGate({ ...config, verifier: other }))
  }
  expect(await isAdmitted(gate)).toBe(false)
})

it('an older allow of another instance stays refused, whatever else its token asks for', async () => {
  const gate = instance()
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  await allowElsewhere(gate)
  for (let other = 0; other < 200; other += 1) {
    await isAdmitted(gate, `/${other}`)
  }
  expect(await isAdmitted(gate)).toBe(false)
  // One that was asked for later is taken. The clocks of two machines may differ by as much.
  vi.advanceTimersByTime(5000)
  memory.allows.clear()
  asked.mockReturnValueOnce({ outcome: 'allow' })
  expect(await isAdmitted(instance())).toBe(true)
  expect(await isAdmitted(gate)).toBe(true)
})

it.each([
  ['for a question that a small cache cannot hold', `/?${'x'.repeat(30_000)}`],
  ['once other tokens have filled a small cache', '/'],
])('an older allow of another instance stays refused %s', async (_case, path) => {
  const cache = memoryCache({ ...CACHE, maxEntries: 1, store: createMemoryStore(memory) })
  const gate = createGate({ verifier: decider, context: { headers: [] }, cache })
  await allowElsewhere(gate, path)
  expect(await isAdmitted(gate, '/', 'made-up')).toBe(false)
  expect(await isAdmitted(gate, path)).toBe(false)
})

describe('an allow of another instance', () => {
  const NOW = 1_700_000_000_000
  const auth = { principal: 'alice', attributes: {} }
  const fresh = { auth, askedAt: NOW - 1000, ttlMs: 20_000 }
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: NOW })
    vi.spyOn(Math, 'random').mockReturnValue(0)
  })

  /** Makes a gate whose store has this allow once. */
  function gateWith(allow: SharedAllow): Gate {
    const looks: Recalled[] = [{ allow }]
    const store = createMemoryStore(memory, async () => looks.pop() ?? {})
    const cache = memoryCache({ allowTtlMs: 30_000, staleIfErrorMs: 60_000, store })
    return createGate({ verifier: decider, context: { headers: [] }, retry: false, cache })
  }

  it.each<[string, SharedAllow]>([
    ['is as old as its time to live', { ...fresh, askedAt: NOW - 20_000 }],
    ['is as old as this instance allows', { ...fresh, askedAt: NOW - 30_000, ttlMs: 60_000 }],
    ['comes from the future', { ...fresh, askedAt: NOW + 5000 }],
    ['is about a token that has ended', { ...fresh, auth: { ...auth, expiresAt: NOW } }],
  ])('is not taken if it %s', async (_what, allow) => {
    asked.mockReturnValue({ outcome: 'deny' })
    expect(await isAdmitted(gateWith(allow))).toBe(false)
  })

  it.each<[string, SharedAllow, ms: number]>([
    ['its age', fresh, 19_000],
    ['the end of its token', { ...fresh, auth: { ...auth, expiresAt: NOW + 7 } }, 7],
  ])('keeps %s', async (_what, allow, ms) => {
    asked.mockReturnValue({ outcome: 'deny' })
    const gate = gateWith(allow)
    for (const [passed, admitted] of [
      [0, true],
      [ms - 1, true],
      [1, false],
    ] as const) {
      vi.advanceTimersByTime(passed)
      // oxlint-disable-next-line no-await-in-loop -- at these times
      expect(await isAdmitted(gate)).toBe(admitted)
    }
  })

  it.each([
    [{ mustRevalidate: true } as const, false],
    [{}, true],
  ])('with %j stands in during an outage: %s', async (limits, admitted) => {
    asked.mockRejectedValue(new AuthUnavailableError('unreachable'))
    const gate = gateWith({ ...fresh, ...limits })
    expect(await isAdmitted(gate)).toBe(true)
    vi.advanceTimersByTime(19_000)
    expect(await isAdmitted(gate)).toBe(admitted)
  })

  it('is made of what the endpoint allows, unless it forbids that', async () => {
    const limits = { mustRevalidate: true, maxAgeMs: 9000, expiresAt: NOW + 10_000 } as const
    asked.mockReturnValue({ outcome: 'allow', principal: 'alice', ...limits })
    await isAdmitted(instance())
    expect([...memory.allows.values()]).toEqual([
      {
        auth: { ...auth, expiresAt: NOW + 10_000 },
        askedAt: NOW,
        ttlMs: 9000,
        mustRevalidate: true,
      },
    ])
    memory.allows.clear()
    asked.mockReturnValue({ outcome: 'allow', maxAgeMs: 0 })
    await isAdmitted(instance())
    expect(memory.allows.size).toBe(0)
  })
})
