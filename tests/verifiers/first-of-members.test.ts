import { describe, expect, it } from 'vitest'
import { AuthUnavailableError, createAuthenticator, memoryCache } from '../../src/index.ts'
import { defineVerifier, endpointVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { ask as askAlone } from '../support/issuer.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { Question, AskVerifier, Verdict, Verifier } from '../../src/index.ts'
import type { FirstOfOptions } from '../../src/verifiers.ts'
import type { Answer } from '../support/verifier-service.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

/** Each member has policies of its own, and sees what it reads. */

const GOOD: Answer = () => ({ json: { active: true, sub: 'alice' } })

/** Two services, one for tokens that begin with `a`, one for all others. */
async function startTwo(first: Answer, options: FirstOfOptions = {}, timeoutMs = 10_000) {
  const [a, b] = [await startService(first), await startService(GOOD)]
  const verifier = firstOf(
    [
      introspection({ url: a.url, client: 'none', accepts: (token) => token.startsWith('a') }),
      introspection({ url: b.url, client: 'none' }),
    ],
    options,
  )
  return { a, b, ...guardWith(verifier, { retry: { attempts: 5 }, timeoutMs }) }
}

describe('an outage of one service', () => {
  it('lets no expired allow of another one stand in, not even if its queue is full', async () => {
    let verdict: Verdict | Promise<Verdict> = { outcome: 'allow' }
    const slow: AskVerifier = () => verdict
    const down: AskVerifier = () => {
      throw new AuthUnavailableError('unreachable')
    }
    const by = (prefix: string) => ({
      reads: {},
      accepts: (token: string) => token.startsWith(prefix),
    })
    const members = [
      defineVerifier({ ask: slow, ...by('a') }),
      defineVerifier({ ask: down, ...by('b') }),
    ]
    const verifier = firstOf(members, {
      retry: false,
      concurrency: { maxInFlight: 1, maxWaiting: 1 },
    })
    const { ask } = guardWith(verifier, {
      cache: memoryCache({ allowTtlMs: 20, staleIfErrorMs: 60_000 }),
    })
    const tokens = ['a1', 'a2', 'a3']
    for (const token of tokens) expect(await ask(token)).toMatchObject({ outcome: 'allow' })
    // The cached decisions expire.
    pass(20)
    let deny = (): void => undefined
    verdict = new Promise((resolve) => (deny = () => resolve({ outcome: 'deny' })))
    await ask('b1')
    const asked = tokens.map((token) => ask(token))
    // One finds no place.
    await Promise.race(asked)
    deny()
    const decided = await Promise.all(asked)
    expect(decided.map(({ outcome }) => outcome)).toEqual(['deny', 'deny', 'deny'])
  })

  it('opens a circuit for its own tokens alone', async () => {
    const { a, b, ask, events } = await startTwo(() => ({ status: 503 }), { retry: false })
    for (let count = 0; count < 30; count += 1) await ask(`a${count}`)
    expect(await ask('a')).toMatchObject({ reason: 'circuit_open', verifier: 'introspection' })
    expect(a.calls.length).toBeLessThan(30)
    expect(await ask(TOKEN)).toMatchObject({ outcome: 'allow' })
    expect(b.calls).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'circuit')).toEqual([
      { type: 'circuit', state: 'open', tokens: 'unknown', verifier: 'introspection' },
    ])
  })

  it('stops no known token, nor one that was forbidden a request (RFC 9110 §15.5.4)', async () => {
    const service = await startService(() => ({ json: {} }))
    const { ask } = guardWith(
      firstOf([endpointVerifier({ endpoint: service.url })], { retry: false }),
    )
    await ask()
    service.answerWith(() => ({ status: 403 }))
    await ask()
    service.answerWith(() => ({ status: 503 }))
    for (let count = 0; count < 30; count += 1) await ask(`t${count}`)
    expect(await ask('t')).toMatchObject({ reason: 'circuit_open' })
    expect(await ask()).toMatchObject({ reason: 'service_error' })
  })

  it('takes no places of another', async () => {
    const concurrency = { maxInFlight: 1, maxWaiting: 0 }
    const { a, ask } = await startTwo(() => undefined, { concurrency }, 2000)
    const first = ask('a1')
    await expect.poll(() => a.calls).toHaveLength(1)
    expect(await ask('a2')).toMatchObject({ reason: 'overloaded' })
    expect(await ask(TOKEN)).toMatchObject({ outcome: 'allow' })
    expect(await first).toMatchObject({ reason: 'timeout' })
  })

  it('keeps its places although it denies the tokens of the next one', async () => {
    let inFlight = 0
    let mostInFlight = 0
    const first = defineVerifier({
      ask: async ({ token }: Question) => {
        inFlight += 1
        mostInFlight = Math.max(mostInFlight, inFlight)
        await new Promise((resolve) => setTimeout(resolve, 1))
        inFlight -= 1
        return { outcome: token === 'known' ? 'allow' : 'deny' }
      },
      reads: {},
    })
    const second = defineVerifier({ ask: () => ({ outcome: 'allow' }), reads: {} })
    const options: FirstOfOptions = { fallThrough: true, concurrency: { maxInFlight: 32 } }
    const { ask } = guardWith(firstOf([first, second], options))
    await ask('known')
    const askMany = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, index) => ask(`other${index}`)))
    for (let round = 0; round < 25; round += 1) await askMany(48)
    mostInFlight = 0
    await askMany(20)
    await askMany(48)
    expect(mostInFlight).toBe(24)
  })

  it('is tried again by the options of `firstOf`', async () => {
    let calls = 0
    const flaky: Answer = (...args) => {
      calls += 1
      return calls % 2 === 1 ? { status: 503 } : GOOD(...args)
    }
    const { ask } = await startTwo(flaky)
    expect(await ask('a1')).toMatchObject({ outcome: 'allow' })
    expect(calls).toBe(2)
    const never = await startTwo(flaky, { retry: false })
    expect(await never.ask('a1')).toMatchObject({ reason: 'service_error', endpointStatus: 503 })
    expect(calls).toBe(3)
  })
})

it('a circuit opens also where the report of who asks without a guard throws', async () => {
  const down = defineVerifier({
    ask: () => {
      throw new AuthUnavailableError('unreachable')
    },
    reads: {},
  })
  const other = defineVerifier({ ask: () => ({ outcome: 'deny' }), accepts: () => false })
  const verifier = firstOf([other, down], { retry: false })
  const report = (): never => {
    throw new Error('no log')
  }
  for (const reason of [...Array<string>(10).fill('unreachable'), 'circuit_open']) {
    await expect(askAlone(verifier, 't', { report })).rejects.toMatchObject({ reason })
  }
})

it('a member that answers from memory opens no circuit, and has no limit', async () => {
  let calls = 0
  const failing = defineVerifier({
    ask: async () => {
      calls += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
      throw new AuthUnavailableError('unreachable')
    },
    local: true,
  })
  const concurrency = { maxInFlight: 1, maxWaiting: 0 }
  const { ask } = guardWith(firstOf([failing], { concurrency }))
  const asked = Array.from({ length: 40 }, (_, count) => ask(`t${count}`))
  for (const decision of await Promise.all(asked)) {
    expect(decision).toMatchObject({ reason: 'unreachable' })
  }
  expect(calls).toBe(40)
})

describe('a member', () => {
  const HEADERS = { 'x-org': 'acme', 'x-other': 'secret' }

  /** A member that records what it is asked, and denies. */
  function recorder(reads?: Verifier['reads']) {
    const asked: Question[] = []
    const ask: AskVerifier = (question) => {
      asked.push(question)
      return { outcome: 'deny' }
    }
    return { asked, verifier: defineVerifier({ ask, reads }) }
  }

  it('sees what it reads, and nothing that another reads', async () => {
    const bare = recorder({})
    const some = recorder({ headers: ['X-Org', 'X-None'], params: 'lists', method: true })
    const all = recorder({ headers: 'all', params: 'lists', path: true })
    const members = [bare, some, all].map(({ verifier }) => verifier)
    const { ask } = guardWith(firstOf(members, { fallThrough: true }))
    await ask(TOKEN, '/a?b=c', HEADERS)
    const nothing = { path: '', headers: {}, params: {} }
    expect(bare.asked).toEqual([{ token: TOKEN, request: nothing }])
    const params = { b: ['c'] }
    expect(some.asked).toEqual([
      { token: TOKEN, request: { path: '', headers: { 'x-org': 'acme' }, params, method: 'GET' } },
    ])
    expect(some.asked[0]?.request.headers).not.toHaveProperty('x-none')
    const [{ request } = { request: undefined }] = all.asked
    expect(request).toMatchObject({ path: '/a', params, headers: HEADERS })
    expect(request).not.toHaveProperty('method')
  })

  it('sees the address of the client only if it reads that', async () => {
    const [bare, some] = [recorder({}), recorder({ clientAddress: true })]
    const verifier = firstOf([bare.verifier, some.verifier], { fallThrough: true })
    expect(() => createAuthenticator({ verifier })).toThrow('"context.clientAddress" must be given')
    await guardWith(verifier, { context: { clientAddress: () => '192.0.2.1' } }).ask()
    expect(bare.asked[0]?.request).not.toHaveProperty('clientAddress')
    expect(some.asked[0]?.request.clientAddress).toBe('192.0.2.1')
  })

  it('is named in the events of its decisions, cached ones too', async () => {
    const { url } = await startService(() => ({ json: { principal: 'bob' } }))
    const keys = defineVerifier({
      ask: () => ({ outcome: 'deny', detail: 'inactive' }),
      reads: {},
      label: 'own_keys',
      accepts: (token: string) => token.startsWith('k'),
    })
    const inner = firstOf([endpointVerifier({ endpoint: url, context: { headers: [] } })])
    const { ask } = guardWith(firstOf([keys, inner]), { cache: memoryCache() })
    for (const cache of ['miss', 'hit']) {
      expect(await ask('k1')).toMatchObject({ verifier: 'own_keys', detail: 'inactive', cache })
      expect(await ask('x1')).toMatchObject({ verifier: 'endpoint', principal: 'bob', cache })
    }
  })
})
