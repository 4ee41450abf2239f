import { describe, expect, it, vi } from 'vitest'
import {
  AuthConfigError,
  AuthUnavailableError,
  getAuth,
  memoryCache,
  withAuth,
} from '../../src/index.ts'
import { verifierOf as verifierOfFunction } from '../../src/core/endpoint/checked-verifier.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { get } from '../support/requests.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type { AskVerifier, AuthConfig, Verdict, Verifier, VerifierTraits } from '../../src/index.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

const handler = (request: Request): Response => Response.json(getAuth(request))

/** A verifier with properties. */
function verifierOf(ask: AskVerifier, traits: VerifierTraits = {}): Verifier {
  return defineVerifier({ ask, ...traits })
}

function problemOf(verifier: Verifier, config: AuthConfig = {}): string {
  try {
    withAuth(handler, { verifier, ...config })
  } catch (error) {
    if (error instanceof AuthConfigError) return error.message
  }
  throw new Error('The config was accepted')
}

describe('an allow with an end', () => {
  it('is used from then on neither from the cache nor as a stale one', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const answers: (() => Verdict)[] = [
      () => ({ outcome: 'allow', expiresAt: Date.now() + 1000 }),
      () => {
        throw new AuthUnavailableError('unreachable')
      },
    ]
    let calls = 0
    const verifier = verifierOf(() => answers[Math.min(calls++, 1)]!(), { reads: {} })
    const cache = memoryCache({ staleIfErrorMs: 60_000 })
    const { ask } = guardWith(verifier, { cache })
    expect((await ask()).outcome).toBe('allow')
    vi.advanceTimersByTime(800)
    expect((await ask()).outcome).toBe('allow')
    expect(calls).toBe(1)
    vi.advanceTimersByTime(199)
    expect((await ask()).outcome).toBe('allow')
    expect(calls).toBe(2)
    vi.advanceTimersByTime(1)
    expect((await ask()).outcome).toBe('deny')
    vi.setSystemTime(Date.now() - 900)
    expect((await ask()).outcome).toBe('deny')
  })

  it('that says `mustRevalidate` does not stand in during an outage', async () => {
    let calls = 0
    const decide = (): Verdict => {
      calls += 1
      if (calls > 1) throw new AuthUnavailableError('unreachable')
      return { outcome: 'allow', maxAgeMs: 1, mustRevalidate: true }
    }
    const cache = memoryCache({ staleIfErrorMs: 60_000 })
    const { ask } = guardWith(verifierOf(decide, { reads: {} }), { cache })
    expect((await ask()).outcome).toBe('allow')
    pass(5)
    expect((await ask()).outcome).toBe('deny')
    expect(calls).toBe(2)
  })
})

describe('a verifier that answers from memory', () => {
  const failing = (token: string): Verdict => {
    if (token === 'good') return { outcome: 'allow' }
    throw new AuthUnavailableError('unreachable')
  }

  it('is asked without a circuit breaker, so that made-up tokens stop no good one', async () => {
    const calls = vi.fn()
    const decide: AskVerifier = ({ token }) => {
      calls()
      return failing(token)
    }
    const config = { concurrency: { maxInFlight: 1 } }
    const retry = { attempts: 3 }
    const local = guardWith(verifierOf(decide, { local: true }), { ...config, retry })
    for (let count = 0; count < 20; count += 1)
      expect((await local.ask(`bad${count}`)).outcome).toBe('deny')
    expect(calls).toHaveBeenCalledTimes(20)
    expect((await local.ask('good')).outcome).toBe('allow')
    // The circuit of a verifier without `local` opens.
    const remote = guardWith((question) => decide(question, AbortSignal.timeout(1000)), config)
    for (let count = 0; count < 20; count += 1) await remote.ask(`bad${count}`)
    expect(await remote.ask('good')).toMatchObject({ outcome: 'deny', reason: 'circuit_open' })
  })
})

describe('what a verifier returns', () => {
  it('reaches the handler, frozen and copied', async () => {
    const claims = { org: { id: 7 }, list: [1] }
    const scopes = ['read', 'write']
    const facts = { scopes, clientId: 'app', tenant: 'acme', claims, expiresAt: 4e12 }
    let auth: unknown
    const guarded = withAuth((request: Request) => void (auth = getAuth(request)) as never, {
      verifier: () => ({ outcome: 'allow', principal: 'alice', ...facts }),
    })
    await guarded(get('/', 'k1'))
    claims.list.push(2)
    expect(auth).toEqual({
      principal: 'alice',
      attributes: {},
      ...facts,
      claims: { org: { id: 7 }, list: [1] },
    })
    expect(Object.isFrozen(Reflect.get(Object(auth), 'claims'))).toBe(true)
    expect(() => scopes.push('admin')).not.toThrow()
    expect(auth).toMatchObject({ scopes: ['read', 'write'] })
  })

  it.each<[string, object]>([
    ['scopes that are a text', { scopes: 'admin' }],
    // oxlint-disable-next-line no-sparse-arrays
    ['scopes with a hole', { scopes: ['a', , 'b'] }],
    ['a client that is a number', { clientId: 1 }],
    ['an end that is NaN', { expiresAt: NaN }],
    ['an end before 1970', { expiresAt: -1 }],
    ['an infinite end', { expiresAt: Infinity }],
    ['claims with a function', { claims: { f: () => 1 } }],
  ])('is no allow with %s', async (_what, wrong) => {
    const { ask } = guardWith(() => ({ outcome: 'allow', ...wrong }))
    expect(await ask()).toMatchObject({ outcome: 'deny', reason: 'internal_error', status: 401 })
  })

  it.each<[object]>([[{ reason: 'denied' }], [{ detail: 'k1' }], [{ detail: null }]])(
    'is no known denial with %o',
    async (wrong) => {
      const { ask } = guardWith(() => ({ outcome: 'deny', ...wrong }))
      expect(await ask('k1')).toMatchObject({ outcome: 'deny', reason: 'internal_error' })
    },
  )

  it('answers 403 if it forbids, also from the cache, and tells its detail to the observer only', async () => {
    const denial = { outcome: 'deny', reason: 'forbidden', detail: 'proof' } as const
    const verifier = verifierOf(() => denial, { reads: {}, label: 'upstream' })
    const { decide } = guardWith(verifier, { cache: memoryCache(), unavailableStatus: 503 })
    for (const cache of ['miss', 'hit']) {
      const { event, ...decision } = await decide(get('/', 'k1'))
      const response = decision.admitted ? undefined : decision.response
      expect(response?.status).toBe(403)
      expect(response?.headers.has('www-authenticate')).toBe(false)
      expect(await response?.json()).toEqual({
        error: { message: 'Access denied', type: 'permission_error', code: 'forbidden' },
      })
      expect(event).toMatchObject({ detail: 'proof', verifier: 'upstream', cache })
    }
  })
})

describe('the parts that a verifier reads', () => {
  const reads = { headers: ['x-org'], method: true }

  it('are the context, so that requests that differ in nothing else share a decision', async () => {
    const verifier = vi.fn<AskVerifier>(() => ({ outcome: 'allow' }))
    const guarded = withAuth(handler, {
      verifier: verifierOf(verifier, { reads }),
      cache: memoryCache(),
    })
    const send = async (path: string, org: string): Promise<void> =>
      void (await guarded(
        new Request(`http://h${path}`, { headers: { authorization: 'Bearer k1', 'x-org': org } }),
      ))
    await send('/a?x=1', 'one')
    await send('/b?x=2', 'one')
    expect(verifier).toHaveBeenCalledOnce()
    await send('/a', 'two')
    expect(verifier).toHaveBeenCalledTimes(2)
    expect(verifier.mock.calls[0]?.[0].request).toEqual({
      path: '',
      headers: { 'x-org': 'one' },
      params: {},
      method: 'GET',
    })
  })

  it.each<[NonNullable<AuthConfig['context']>, string]>([
    [
      { headers: ['x-other'] },
      '"context.headers" must be told as the verifier reads it: with "x-org"',
    ],
    [{ method: false }, '"context.method" must be told as the verifier reads it: true'],
  ])('may not be left out of the context: %o', (context, message) => {
    expect(
      problemOf(
        verifierOf(() => ({ outcome: 'deny' }), { reads }),
        { context },
      ),
    ).toBe(message)
  })

  it('may not be told in another form either', () => {
    const all = verifierOf(() => ({ outcome: 'deny' }), {
      reads: { headers: 'all', params: 'lists' },
    })
    expect(problemOf(all, { context: { headers: [], params: 'values' } })).toBe(
      '"context.params" must be told as the verifier reads it: "lists"\n' +
        '"context.headers" must be told as the verifier reads it: "all"',
    )
    expect(() => guardWith(all, { context: { params: 'lists' } })).not.toThrow()
  })

  it('may be fewer than those that it is told', () => {
    const one = verifierOf(() => ({ outcome: 'deny' }), { reads: { headers: ['x-org'] } })
    const more = { headers: 'all', params: 'values', path: true, method: true } as const
    expect(() => guardWith(one, { context: more })).not.toThrow()
  })
})

it('a cookie that a verifier reads may not be withheld from it', () => {
  const verifier = verifierOf(() => ({ outcome: 'allow' }), { reads: { headers: ['cookie'] } })
  expect(problemOf(verifier, { context: { headers: 'all' } })).toBe(
    '"context.headers" must be told as the verifier reads it: with "cookie"',
  )
})

it('a verifier reports warnings of its options at once, and others once', async () => {
  const verifier = verifierOf(
    (_question, _signal, run) => {
      run?.warn?.('keys are old')
      run?.by?.('jwt')
      run?.answered?.(200)
      return { outcome: 'allow' }
    },
    { warnings: ['no issuer'], label: 'first_of' },
  )
  const { ask, events, warnings } = guardWith(verifier)
  expect(events).toEqual([{ type: 'warning', message: 'no issuer' }])
  await ask()
  await ask()
  expect(warnings()).toHaveLength(2)
  expect(events.at(-1)).toMatchObject({ verifier: 'jwt', endpointStatus: 200 })
})

it('a function is a verifier that says nothing of itself', () => {
  const verifier = verifierOfFunction(() => ({ outcome: 'deny' }))
  expect(verifier.describe()).toEqual({ type: 'function' })
  expect(Object.prototype.toString.call(verifier)).toBe('[object Verifier]')
  expect(verifier.members).toEqual([verifier])
  expect(verifier.consumes).toEqual([])
})

it('keeps work going after the response where the runtime would end it', async () => {
  const work = Promise.resolve()
  const verifier = verifierOf((_question, _signal, run) => {
    run?.waitUntil?.(work)
    return { outcome: 'allow' }
  })
  const context = { waitUntil: vi.fn() }
  const guarded = withAuth((_request: Request, _context: object) => new Response(), { verifier })
  expect((await guarded(get('/', 'token'), context)).status).toBe(200)
  // The very promise: any two of them are equal to a matcher, and the guard keeps its own call going too.
  expect(context.waitUntil.mock.calls.flat()).toContain(work)
})
