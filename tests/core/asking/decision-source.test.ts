import { memoryCache } from '../../../src/memory/memory-cache.ts'
import { describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createChannel } from '../../../src/core/response/events.ts'
import { DecisionSource } from '../../../src/core/asking/decision-source.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import { defineVerifier } from '../../../src/verifiers.ts'
import { checkOf, verifyWith } from '../../support/checks.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import type { AuthConfig, Transport } from '../../../src/index.ts'
import type { SharedMemory } from '../../support/memory-store.ts'
import { usePassingTime } from '../../support/passing-time.ts'

const pass = usePassingTime()

function createComposed(...args: ConstructorParameters<typeof DecisionSource>) {
  const source = new DecisionSource(...args)
  return { verify: verifyWith(source), forget: () => source.forget() }
}

/** What a transport that obeys the signal does without an answer. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')))
  })
}

const NOBODY = createChannel(undefined, () => undefined)

it('cannot be made of nothing, or with a cache that opens no partition', () => {
  expect(() => createComposed(resolveConfig({}), undefined, NOBODY)).toThrow(
    new TypeError('The config has no endpoint and no verifier'),
  )
  const cache = Object.assign(memoryCache(), { open: () => ({}) })
  const config = resolveConfig({ cache, context: { headers: [] } })
  expect(() => createComposed(config, 'https://auth.example.test', NOBODY)).toThrow(
    new TypeError('The cache opened no partition'),
  )
})

describe('the policies together', () => {
  const allow = (): Response => Response.json({ principal: 'alice' })
  const config = (transport: Transport, options: AuthConfig = {}) =>
    resolveConfig({ fetch: transport, context: { headers: [] }, ...options })
  const verifierOf = (transport: Transport, options: AuthConfig = {}) =>
    createComposed(config(transport, options), 'https://auth.example.test', NOBODY)

  it.each(['invalidate', 'clear', 'forget'] as const)(
    'forget what is cached and under way: %s',
    async (name) => {
      const transport = vi.fn<Transport>(async () => allow())
      const cache = memoryCache()
      const { verify, forget } = verifierOf(transport, { cache })
      const drop = { ...cache, forget }[name]
      await verify(checkOf())
      void drop('t')
      const early = verify(checkOf())
      void drop('t')
      await verify(checkOf())
      await early
      expect(transport).toHaveBeenCalledTimes(3)
    },
  )

  it('serve what is stale while the circuit is open', async () => {
    let isDown = false
    const transport = vi.fn<Transport>(async () => {
      if (isDown) throw new Error('down')
      return allow()
    })
    const cache = memoryCache({ allowTtlMs: 20, staleIfErrorMs: 60_000 })
    const options = { cache, retry: false } as const
    const { verify } = verifierOf(transport, options)
    await verify(checkOf('kept'))
    isDown = true
    pass(30)
    for (const attempts of [...Array<number>(10).fill(1), 0]) {
      const stale = createFacts()
      expect(await verify(checkOf('kept'), stale)).toMatchObject({
        outcome: 'allow',
        auth: { stale: true },
      })
      expect([stale.cache, stale.attempts]).toEqual(['stale', attempts])
    }
    await expect(verify(checkOf('kept', 'new'))).rejects.toMatchObject({ reason: 'circuit_open' })
    expect(transport).toHaveBeenCalledTimes(11)
  })

  /** How many of four places unknown tokens get at an endpoint that answers only a token named "kept". */
  function placesOf(options: AuthConfig = {}) {
    const transport = vi.fn<Transport>(async (_url, { body, signal }) =>
      body?.includes('"kept"') === true ? allow() : untilAborted(signal),
    )
    const concurrency = { maxInFlight: 4, maxWaiting: 0 }
    const source = verifierOf(transport, { concurrency, timeoutMs: 50, ...options })
    const count = async (): Promise<number> => {
      transport.mockClear()
      const others = ['a', 'b', 'c', 'd', 'e'].map(async (token) => source.verify(checkOf(token)))
      await Promise.allSettled(others)
      return transport.mock.calls.length
    }
    return { ...source, count }
  }

  it.each(['invalidate', 'clear', 'forget'] as const)(
    'forget that a token is known: %s',
    async (name) => {
      const cache = memoryCache({ allowTtlMs: 0 })
      const { verify, forget, count } = placesOf({ cache, circuitBreaker: false })
      await verify(checkOf('kept'))
      void cache.invalidate('another')
      expect(await count()).toBe(3)
      void { ...cache, forget }[name]('kept')
      expect(await count()).toBe(4)
    },
  )

  it('forget what is known and under way without a cache', async () => {
    const { verify, forget, count } = placesOf({ circuitBreaker: false })
    await verify(checkOf('kept'))
    expect(await count()).toBe(3)
    forget()
    expect(await count()).toBe(4)
    const transport = vi.fn<Transport>(async () => allow())
    const other = verifierOf(transport)
    const early = other.verify(checkOf())
    other.forget()
    await Promise.all([early, other.verify(checkOf())])
    expect(transport).toHaveBeenCalledTimes(2)
  })

  /** One call at a time, and none may wait: a second check is overloaded. Each answer is held until it is given. */
  function crowded(options: AuthConfig) {
    const held: ((response: Response | Error) => void)[] = []
    const transport: Transport = (_url, { signal }) => {
      const answered = new Promise<Response>((resolve, reject) => {
        held.push((response) => (response instanceof Error ? reject(response) : resolve(response)))
      })
      return Promise.race([answered, untilAborted(signal)])
    }
    const { verify } = verifierOf(transport, {
      cache: memoryCache({ allowTtlMs: 20, staleIfErrorMs: 60_000 }),
      concurrency: { maxInFlight: 1, maxWaiting: 0 },
      retry: false,
      ...options,
    })
    const answer = (response: Response | Error): void => held.shift()?.(response)
    const ask = async (token: string): Promise<string> => {
      const facts = createFacts()
      try {
        const { outcome } = await verify(checkOf(token), facts)
        return `${outcome} ${facts.cache}`
      } catch (error) {
        return (error as AuthUnavailableError).reason
      }
    }
    return { answer, ask }
  }

  it.each([
    ['where the endpoint answers the others', 0, {}, 'overloaded'],
    ['where it failed for one token', 1, {}, 'overloaded'],
    ['where it failed for made-up tokens', 10, {}, 'overloaded'],
    ['where it failed, without a circuit', 1, { circuitBreaker: false }, 'allow stale'],
  ] as const)(
    'serve stale while too many checks wait only if the endpoint failed (a caller fills the queue): %s',
    async (_, failures, options, expected) => {
      const { answer, ask } = crowded(options)
      for (const token of ['revoked', 'busy']) {
        const first = ask(token)
        answer(allow())
        expect(await first).toBe('allow miss')
      }
      const other = ask('made-up')
      answer(failures > 0 ? new Error('down') : new Response(null, { status: 401 }))
      expect(await other).toBe(failures > 0 ? 'unreachable' : 'deny miss')
      for (let turn = 1; turn < failures; turn += 1) {
        const another = ask('made-up')
        answer(new Error('down'))
        await another
      }
      pass(30)
      const flood = ask('busy')
      expect(await ask('revoked')).toBe(expected)
      answer(allow())
      await flood
    },
  )

  it.each([
    ['answers another check first', true, 'timeout'],
    ['answers none', false, 'allow stale'],
  ])(
    'serve stale after a call that waited for its turn only if the endpoint %s (a caller fills the queue)',
    async (_, answersOther, expected) => {
      const { answer, ask } = crowded({
        concurrency: { maxInFlight: 1, maxWaiting: 1 },
        timeoutMs: 200,
      })
      const first = ask('revoked')
      answer(allow())
      await first
      pass(30)
      const flood = ask('random')
      const queued = ask('revoked')
      await new Promise((resolve) => setTimeout(resolve, 50))
      answer(answersOther ? allow() : new Error('down'))
      expect(await flood).toBe(answersOther ? 'allow miss' : 'unreachable')
      expect(await queued).toBe(expected)
      const others = [ask('random'), ask('another')]
      expect(await ask('revoked')).toBe('overloaded')
      await Promise.all(others)
    },
  )

  it('serve stale for the window of the circuit breaker after a circuit, however long that was open', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { answer, ask } = crowded({ circuitBreaker: { openMs: 20_000 } })
    const asked = async (response: Response | Error): Promise<string> => {
      const outcome = ask('kept')
      answer(response)
      return outcome
    }
    expect(await asked(allow())).toBe('allow miss')
    vi.advanceTimersByTime(30)
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await asked(new Error('down'))).toBe('allow stale')
    }
    vi.advanceTimersByTime(19_999)
    expect(await ask('kept')).toBe('allow stale')
    vi.advanceTimersByTime(1)
    expect(await asked(allow())).toBe('allow miss')
    vi.advanceTimersByTime(9999)
    const crowd = ask('random')
    expect(await ask('kept')).toBe('allow stale')
    vi.advanceTimersByTime(1)
    expect(await ask('kept')).toBe('overloaded')
    answer(allow())
    await crowd
  })

  it.each([
    ['circuit_open', 'allow'],
    ['timeout', 'timeout'],
  ] as const)(
    'serve stale for a verifier that answers from memory by its error alone: %s',
    async (reason, expected) => {
      let isDown = false
      const verifier = defineVerifier({
        ask: () => {
          if (isDown) throw new AuthUnavailableError(reason)
          return { outcome: 'allow' }
        },
        local: true,
      })
      const cache = memoryCache({ allowTtlMs: 20, staleIfErrorMs: 60_000 })
      const local = resolveConfig({ verifier, cache, context: { headers: [] } })
      const { verify } = createComposed(local, undefined, NOBODY)
      await verify(checkOf())
      isDown = true
      pass(30)
      const ended = Promise.resolve(verify(checkOf()))
      expect(
        await ended.then(
          ({ outcome }) => outcome,
          (error: AuthUnavailableError) => error.reason,
        ),
      ).toBe(expected)
    },
  )

  describe('with a store', () => {
    /** Instances of a guard that share their allows. */
    function sharing(transport: Transport) {
      const memory: SharedMemory = { allows: new Map(), revocations: 0 }
      const fetch = Object.assign(transport, { id: 'shared' })
      const instance = () =>
        verifierOf(fetch, {
          cache: memoryCache({ store: createMemoryStore(memory) }),
          retry: false,
        })
      return { memory, instance }
    }

    it('take the allow of another instance while the circuit is open', async () => {
      const transport = vi.fn<Transport>(async () => allow())
      const { instance } = sharing(transport)
      await instance().verify(checkOf())
      transport.mockRejectedValue(new Error('down'))
      const { verify } = instance()
      const reasonOf = ({ reason }: AuthUnavailableError): string => reason
      const ask = async () => Promise.resolve(verify(checkOf('made-up'))).catch(reasonOf)
      for (let turn = 0; turn < 10; turn += 1) await ask()
      expect(await ask()).toBe('circuit_open')
      expect(await verify(checkOf())).toMatchObject({ outcome: 'allow' })
    })

    it('join no call from before a revocation elsewhere', async () => {
      const transport = vi.fn<Transport>((_url, { signal }) => untilAborted(signal))
      const { memory, instance } = sharing(transport)
      const { verify } = instance()
      for (const revocations of [0, 0, 1]) {
        memory.revocations = revocations
        void Promise.resolve(verify(checkOf())).catch(() => undefined)
        await vi.waitFor(() => expect(transport).toHaveBeenCalledTimes(1 + revocations), 10_000)
      }
    })
  })

  it('can be left out, except the deadline, the limit and the shared call', async () => {
    const transport = vi.fn<Transport>(() => Promise.reject(new Error('down')))
    const { verify } = verifierOf(transport, { retry: false, circuitBreaker: false })
    for (let turn = 0; turn < 20; turn += 1) {
      await expect(verify(checkOf())).rejects.toMatchObject({ reason: 'unreachable' })
    }
    expect(transport).toHaveBeenCalledTimes(20)
  })
})
