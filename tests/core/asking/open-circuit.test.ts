import { describe, expect, it } from 'vitest'
import { AuthUnavailableError, memoryCache, withAuth } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import { createVirtualClock, withClock } from '../../support/virtual-clock.ts'
import type { AuthConfig, DecisionEvent } from '../../../src/index.ts'
import type { VirtualClock } from '../../support/virtual-clock.ts'

/** Callers who still get in while a circuit is open. The tests of the decision source and of the store have stale and remote allows. */

describe('while a circuit is open', () => {
  /** A guard whose verifier fails, waits or answers. `ask` returns the reason of a rejection. */
  function guarding(options: AuthConfig = {}) {
    const endpoint = { isDown: false, pending: Promise.resolve() }
    const events: DecisionEvent[] = []
    const guarded = withAuth(() => new Response('ok'), {
      verifier: async ({ token }) => {
        if (endpoint.isDown) throw new AuthUnavailableError('unreachable')
        await endpoint.pending
        return token === 'known' ? { outcome: 'allow' } : { outcome: 'deny' }
      },
      context: { headers: [] },
      retry: false,
      onEvent: (event) => void (event.type === 'decision' && events.push(event)),
      respond: ({ reason }) => new Response(reason, { status: 401 }),
      ...options,
    })
    const ask = async (token: string, path = '/'): Promise<string> =>
      (await guarded(get(path, token))).text()
    /** Lets so many made-up tokens fail that their circuit opens. */
    const open = async (): Promise<void> => {
      endpoint.isDown = true
      for (let turn = 0; turn < 10; turn += 1) await ask('made-up')
      endpoint.isDown = false
      expect(await ask('made-up')).toBe('circuit_open')
    }
    return { endpoint, ask, open, caches: () => new Set(events.map(({ cache }) => cache)) }
  }

  it.each<AuthConfig>([{}, { cache: memoryCache() }])(
    'known tokens pass that did not open it: %#',
    async (options) => {
      const { ask, open, caches } = guarding(options)
      expect(await ask('known')).toBe('ok')
      await open()
      expect(await ask('known', '/other')).toBe('ok')
      expect(caches()).toEqual(new Set(['cache' in options ? 'miss' : 'off']))
    },
  )

  it('of unknown tokens, no expired allow of a token stands in that was known an hour ago', async () => {
    const clock = createVirtualClock()
    const hour = 3_600_000
    await withClock(
      clock,
      () => 0,
      async () => {
        const cache = memoryCache({ allowTtlMs: hour, staleIfErrorMs: 300_000 })
        const { endpoint, ask, open, caches } = guarding({ cache })
        expect(await ask('known')).toBe('ok')
        for (const path of ['/b', '/c']) {
          await clock.pass(hour / 2 + 1000)
          await ask('made-up', path)
        }
        // The endpoint may have revoked it since, and answers good callers.
        await open()
        expect(await ask('known')).toBe('circuit_open')
        // It fails for all: the check that finds it out is its own proof.
        await clock.pass(20_000)
        endpoint.isDown = true
        expect(await ask('known')).toBe('ok')
        expect(caches()).toContain('stale')
      },
    )
  })

  it('a check joins a call that began before', async () => {
    const { endpoint, ask, open } = guarding()
    let answer = (): void => undefined
    endpoint.pending = new Promise((resolve) => (answer = resolve))
    const first = ask('known')
    await open()
    const second = ask('known')
    answer()
    expect(await Promise.all([first, second])).toEqual(['ok', 'ok'])
  })
})

describe('one known token whose requests break the connection', () => {
  /** A guard that knows some tokens. `breaking` are those whose checks get no answer. */
  async function knowing(tokens: readonly string[], options: AuthConfig = {}) {
    const breaking = new Set<string>()
    const states: string[] = []
    const guarded = withAuth(() => new Response('ok'), {
      verifier: ({ token }) => {
        if (breaking.has(token)) throw new AuthUnavailableError('unreachable')
        return { outcome: token === 'made-up' ? 'deny' : 'allow' }
      },
      context: { headers: [] },
      retry: false,
      onEvent: (event) => void (event.type === 'circuit' && states.push(event.state)),
      respond: ({ reason }) => new Response(reason, { status: 401 }),
      ...options,
    })
    const ask = async (token: string): Promise<string> => (await guarded(get('/', token))).text()
    const askOften = async (token: string, times: number): Promise<string[]> => {
      const answers: string[] = []
      for (let turn = 0; turn < times; turn += 1) answers.push(await ask(token))
      return answers
    }
    for (const token of tokens) await ask(token)
    return { breaking, states, ask, askOften }
  }

  function onClock(run: (clock: VirtualClock) => Promise<void>): () => Promise<void> {
    return () => {
      const clock = createVirtualClock()
      return withClock(
        clock,
        () => 0,
        () => run(clock),
      )
    }
  }
  const OTHERS = ['a', 'b', 'c', 'd', 'e', 'f']

  it(
    'fifteen times a second rejects none of 78 requests of others',
    onClock(async (clock) => {
      // It may be the one that was answered last.
      const { breaking, states, ask, askOften } = await knowing([...OTHERS, 'breaking'])
      breaking.add('breaking')
      const answers: string[] = []
      for (let turn = 0; turn < 78; turn += 1) {
        await askOften('breaking', 15)
        answers.push(await ask(OTHERS[turn % OTHERS.length] ?? ''))
        await clock.pass(1000)
      }
      expect(answers).toEqual(Array(78).fill('ok'))
      expect(states).toEqual([])
    }),
  )

  it(
    'counts for four failures at most, so that two accidents of others do not open it',
    onClock(async () => {
      const { breaking, states, ask, askOften } = await knowing(['breaking', ...OTHERS])
      breaking.add('breaking').add('a').add('b')
      await askOften('breaking', 150)
      await askOften('c', 15)
      expect([await ask('a'), await ask('b')]).toEqual(['unreachable', 'unreachable'])
      expect(states).toEqual([])
      await askOften('a', 2)
      await askOften('b', 2)
      await askOften('d', 1)
      expect(states).toEqual([])
    }),
  )

  it(
    'is told from others while it is one of the sixteen tokens that failed last',
    onClock(async () => {
      const others = Array.from({ length: 16 }, (_, index) => `other${index}`)
      const { breaking, states, ask, askOften } = await knowing(['breaking', 'a', ...others])
      for (const token of ['breaking', ...others]) breaking.add(token)
      await askOften('a', 60)
      await askOften('breaking', 150)
      for (const other of others.slice(1)) await ask(other)
      expect(states).toEqual([])
      await askOften('other0', 1)
      expect(states).toEqual(['open'])
    }),
  )

  it(
    'opens it with two others, since then the endpoint fails',
    onClock(async (clock) => {
      const { breaking, states, askOften } = await knowing(['breaking', ...OTHERS])
      for (const token of ['breaking', 'a', 'b', 'd']) breaking.add(token)
      await askOften('d', 4)
      // The failure of a minute ago does not count.
      await clock.pass(60_000)
      await askOften('c', 4)
      await askOften('breaking', 15)
      await askOften('a', 15)
      expect(states).toEqual([])
      await askOften('b', 4)
      expect(states).toEqual(['open'])
      // It starts to count again once it has closed.
      await clock.pass(5000)
      await askOften('c', 1)
      await askOften('breaking', 4)
      await askOften('a', 4)
      expect(states).toEqual(['open', 'half_open', 'closed'])
      await askOften('b', 4)
      expect(states.at(-1)).toBe('open')
    }),
  )

  it(
    'opens it alone when no other was answered for 30 seconds, and leaves the probe to another',
    onClock(async (clock) => {
      const { breaking, states, ask, askOften } = await knowing(['breaking', ...OTHERS])
      breaking.add('breaking')
      await clock.pass(29_000)
      await askOften('breaking', 15)
      expect(states).toEqual([])
      await clock.pass(1000)
      expect(await askOften('breaking', 2)).toEqual(['unreachable', 'circuit_open'])
      expect(await ask('a')).toBe('circuit_open')
      await clock.pass(5000)
      expect(await ask('breaking')).toBe('circuit_open')
      expect(await ask('a')).toBe('ok')
      expect(states).toEqual(['open', 'half_open', 'closed'])
      // The answer of another keeps it closed.
      await askOften('breaking', 15)
      expect(states).toHaveLength(3)
    }),
  )

  it(
    'makes the probe itself if no other waits, or if the others stay away',
    onClock(async (clock) => {
      const { breaking, states, ask, askOften } = await knowing(['breaking', 'a'])
      breaking.add('breaking')
      await clock.pass(30_000)
      await askOften('breaking', 10)
      await clock.pass(5000)
      expect(await ask('breaking')).toBe('unreachable')
      expect(await ask('a')).toBe('circuit_open')
      await clock.pass(9999)
      expect(await ask('breaking')).toBe('circuit_open')
      await clock.pass(1)
      expect(await ask('breaking')).toBe('unreachable')
      expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'open'])
      // No other has come since.
      await clock.pass(5000)
      expect(await ask('breaking')).toBe('unreachable')
    }),
  )

  it(
    'is told from a single caller of an endpoint that is down',
    onClock(async () => {
      const { breaking, states, ask, askOften } = await knowing(['a'])
      await askOften('a', 5)
      breaking.add('a')
      // The answer to a made-up token is none for a known one.
      await ask('made-up')
      await askOften('a', 10)
      expect(states).toEqual(['open'])
    }),
  )
})
