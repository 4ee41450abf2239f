import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createGate } from '../../../src/core/gate.ts'
import { admissionOf } from '../../../src/core/response/admission.ts'
import { createSetupSource } from '../../../src/core/setup.ts'
import { getAuth, memoryCache } from '../../../src/index.ts'
import { protectedResource } from '../../../src/mcp.ts'
import { defineVerifier } from '../../../src/verifiers.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import { get, raw } from '../../support/requests.ts'
import type { Decision, Gate } from '../../../src/core/gate.ts'
import type { Recall } from '../../../src/core/response/recall.ts'
import type { AuthConfig, Verdict } from '../../../src/index.ts'

/** A cached allow is recalled by the short way. It must admit nothing that the long way does not. */

const ALLOW: Verdict = { outcome: 'allow', principal: 'ada' }
const DENY: Verdict = { outcome: 'deny' }
const BY_TOKEN = { headers: [], params: 'none', path: false } as const
const TTL_MS = 30_000

const verifier = vi.fn((): Verdict => ALLOW)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(0)
  verifier.mockReset().mockReturnValue(ALLOW)
})

interface Ways {
  readonly config: AuthConfig
  /** The short way. */
  readonly recall: Recall | undefined
  /** The long way: an observer needs it. */
  readonly gate: Gate
  /** The short way, and the long one if that leaves the request to it. */
  readonly both: Gate
  readonly ask: (token?: string) => Promise<Decision>
}

function ways(options: AuthConfig = {}): Ways {
  const cache = memoryCache({ allowTtlMs: TTL_MS })
  const config: AuthConfig = { verifier, cache, context: BY_TOKEN, ...options }
  const { recall } = createSetupSource(config).get([])
  const gate = createGate({ ...config, onEvent: () => undefined })
  const ask = async (token = 'k1'): Promise<Decision> => gate.decide(get('/', token), [])
  return { config, recall, gate, both: createGate(config), ask }
}

/** The ways of a guard whose cache allows the token `k1`. */
async function warmed(options: AuthConfig = {}): Promise<Ways & { readonly recall: Recall }> {
  const made = ways(options)
  expect((await made.ask()).admitted).toBe(true)
  const { recall } = made
  if (recall === undefined) throw new Error('There is no short way')
  return { ...made, recall }
}

it('gives the very admission that the long way gives, and marks the request alike', async () => {
  const { recall, gate } = await warmed()
  const [request, other] = [get('/a?x=1', 'k1'), get('/a?x=1', 'k1')]
  const admission = recall(request)
  expect(admission).toMatchObject({ admitted: true, auth: getAuth(request) })
  expect(admission).toBe(gate.decide(other, []))
  expect(admissionOf(request)?.admission).toBe(admissionOf(other)?.admission)
  expect(getAuth(request).principal).toBe('ada')
})

const resource = protectedResource({
  identifier: 'https://api.example.test/',
  authorizationServers: ['https://login.example.test'],
})

it.each<[string, AuthConfig]>([
  ['no cache', { cache: false }],
  ['an observer', { onEvent: () => undefined }],
  ['another source', { credentials: [{ header: 'x-api-key' }] }],
  ['two sources', { credentials: ['bearer', { header: 'x-api-key' }] }],
  ['the path told', { context: { ...BY_TOKEN, path: true } }],
  ['the query told', { context: { ...BY_TOKEN, params: 'values' } }],
  ['the method told', { context: { ...BY_TOKEN, method: true } }],
  ['a header told', { context: { ...BY_TOKEN, headers: ['x-tenant'] } }],
  ['the address told', { context: { ...BY_TOKEN, clientAddress: () => '192.0.2.1' } }],
  ['public paths', { public: ['/health'] }],
  ['a resource', { resource }],
  ['a hook', { authorize: () => true }],
  ['a policy', { routePolicy: () => true }],
])('there is none with %s', (_what, options) => {
  expect(ways(options).recall).toBeUndefined()
})

it('is not the way of a request whose route must be compared', async () => {
  const { both } = await warmed()
  expect((await both.decide(get('/', 'k1'), [], () => false)).admitted).toBe(false)
  expect((await both.decide(get('/', 'k1'), [], () => true)).admitted).toBe(true)
})

const field = (value: string, url = 'https://api.example.test/'): (() => Request) => {
  return () => raw(url, { authorization: value })
}
const url = (value: string): (() => Request) => field('Bearer k1', value)
const HOST = 'https://api.example.test'

it.each<[string, () => Request, admitted: boolean]>([
  ['no token', () => get('/'), false],
  ['another token', () => get('/', 'k2'), false],
  ['the start of a token', () => get('/', 'k'), false],
  ['a scheme in lower case', field('bearer k1'), true],
  ['a scheme in upper case', field('BEARER k1'), true],
  ['two spaces', field('Bearer  k1'), true],
  ['a tab', field('Bearer\tk1'), false],
  ['spaces around', field(' Bearer k1 '), true],
  ['a space behind', field('Bearer k1 '), true],
  ['no scheme', field('k1'), false],
  ['another scheme', field('Basic k1'), false],
  ['two fields alike', field('Bearer k1, Bearer k1'), false],
  ['two fields', field('Bearer k1, Bearer k2'), false],
  ['a comma', field('Bearer k1,'), false],
  ['a null', field('Bearer k1\0'), false],
  ['a URL that is too long', url(`${HOST}/${'a'.repeat(65_536)}`), false],
  ['a fragment', url(`${HOST}/#a`), false],
  ['a backslash', url(`${HOST}/a\\b`), false],
  ['dots', url(`${HOST}/a/../b`), false],
  ['encoded dots', url(`${HOST}/%2e%2e/b`), false],
  ['an encoded slash', url(`${HOST}/a%2fb`), true],
  ['an encoded slash behind dots', url(`${HOST}/..%2fb`), false],
  ['a broken triplet', url(`${HOST}/%2%66`), false],
  ['no path', url(HOST), false],
  ['another protocol', url('file:///a'), false],
  ['a user', url('https://u@api.example.test/'), false],
  ['a blank', url(`${HOST}/a b`), false],
  ['no URL', url(''), false],
])('decides about %s as a guard without it', async (_what, make, admitted) => {
  const { recall, gate, both } = await warmed()
  verifier.mockReturnValue(DENY)
  expect(recall(make())).toBeUndefined()
  expect((await both.decide(make(), [])).admitted).toBe(admitted)
  expect((await gate.decide(make(), [])).admitted).toBe(admitted)
  // It is still in use.
  expect(recall(get('/', 'k1'))).toBeDefined()
})

describe('time', () => {
  const pass = (ms: number, wallMs = ms): void => {
    const now = Date.now()
    vi.advanceTimersByTime(ms)
    vi.setSystemTime(now + wallMs)
  }

  it.each([
    ['both clocks', TTL_MS, TTL_MS],
    ['the clock that never jumps', TTL_MS, 0],
    ['the time of day', 0, TTL_MS],
    ['the time of day, set back', 0, -1],
  ])('ends an allow by %s', async (_which, ms, wallMs) => {
    const { recall } = await warmed()
    const least = Math.max(0, wallMs - 1)
    pass(Math.max(0, ms - 1), least)
    expect(recall(get('/', 'k1'))).toBeDefined()
    pass(ms === 0 ? 0 : 1, wallMs - least)
    expect(recall(get('/', 'k1'))).toBeUndefined()
  })

  it.each([2 ** 30, 2 ** 31, 2 ** 32, 2 ** 53 / 1000])(
    'is exact %d ms after the cache was first used',
    async (ms) => {
      const { recall, ask } = await warmed()
      pass(Math.floor(ms) - 25)
      verifier.mockReturnValue({ ...ALLOW, maxAgeMs: 50 })
      await ask()
      pass(49)
      expect(recall(get('/', 'k1'))).toBeDefined()
      pass(1)
      expect(recall(get('/', 'k1'))).toBeUndefined()
      for (const later of [2 ** 31, 2 ** 31, 2 ** 32]) {
        pass(later - 25)
        expect(recall(get('/', 'k1'))).toBeUndefined()
      }
    },
  )
})

describe('what has changed since', () => {
  it.each<[string, (made: Ways) => unknown]>([
    ['invalidate', ({ config }) => config.cache && config.cache.invalidate('k1')],
    ['clear', ({ config }) => config.cache && config.cache.clear()],
    ['forget', ({ gate }) => gate.forget()],
  ])('%s takes the allow back', async (_what, forget) => {
    const made = await warmed()
    await forget(made)
    expect(made.recall(get('/', 'k1'))).toBeUndefined()
  })

  it('invalidate of another token changes nothing', async () => {
    const { recall, config } = await warmed()
    if (config.cache) await config.cache.invalidate('k')
    expect(recall(get('/', 'k1'))).toBeDefined()
  })

  it('a denial that came after is not overlooked, nor is a cached one an allow', async () => {
    const { recall, ask } = await warmed()
    // Only the time of day ends the allow, so that it could live again.
    vi.setSystemTime(Date.now() + TTL_MS)
    verifier.mockReturnValue(DENY)
    expect((await ask()).admitted).toBe(false)
    expect(recall(get('/', 'k1'))).toBeUndefined()
    vi.setSystemTime(Date.now() - TTL_MS)
    expect(recall(get('/', 'k1'))).toBeUndefined()
  })

  it('an allow of a store is not used after a revocation elsewhere', async () => {
    const memory = { allows: new Map(), revocations: 0 }
    const cache = memoryCache({ allowTtlMs: 1000, store: createMemoryStore(memory) })
    const { recall } = await warmed({
      cache,
      verifier: defineVerifier({ ask: verifier, id: 'test' }),
    })
    expect(recall(get('/', 'k1'))).toBeDefined()
    memory.revocations += 1
    expect(recall(get('/', 'k1'))).toBeUndefined()
  })
})

describe('a request that is no plain Request', () => {
  it('is left to the long way by each guard within another one', async () => {
    const { recall, both, gate } = await warmed()
    const outer = await warmed({ verifier: () => ({ ...ALLOW, principal: 'outer' }) })
    const [request, other] = [get('/', 'k1'), get('/', 'k1')]
    // One that has nothing in its cache leaves no mark.
    expect(ways().recall?.(request)).toBeUndefined()
    expect(outer.recall(request)?.auth?.principal).toBe('outer')
    expect(recall(request)).toBeUndefined()
    expect(getAuth(request).principal).toBe('outer')
    // From then on it throws no more.
    expect(recall(get('/', 'k1'))).toBeUndefined()
    // The mark of both is that of the long way.
    for (const way of [both, both]) await way.decide(request, [])
    outer.recall(other)
    await gate.decide(other, [])
    expect(getAuth(request).principal).toBe('ada')
    expect(admissionOf(request)?.guards.all).toHaveLength(2)
    expect(admissionOf(other)?.guards.all).toHaveLength(2)
  })

  it('is not marked as admitted by a guard in shadow mode within an enforcing one', async () => {
    const watching = await warmed({
      mode: 'shadow',
      verifier: () => ({ ...ALLOW, principal: 'candidate' }),
    })
    const { recall } = await warmed()
    const request = get('/', 'k1')
    recall(request)
    expect((await watching.both.decide(request, [])).admitted).toBe(true)
    expect(getAuth(request).principal).toBe('ada')
  })

  it.each<[string, (request: Request) => unknown]>([
    ['a getter that throws', (request) => throwing(request, 'headers')],
    ['a URL that throws', (request) => throwing(request, 'url')],
    ['nothing', () => undefined],
    ['a URL that is an object', (request) => own(request, 'url', new URL(request.url))],
    [
      'headers that give a list',
      (request) => own(request, 'headers', { get: () => ['Bearer k1'] }),
    ],
    ['headers that give an object', (request) => own(request, 'headers', { get: () => ({}) })],
  ])('is never admitted for %s', async (_what, make) => {
    const { recall } = await warmed()
    expect(recall(make(get('/', 'k1')) as Request)).toBeUndefined()
  })

  it.each<[string, (request: Request) => Request]>([
    ['a subclass', (request) => new (class extends Request {})(request)],
    // Some runtimes let no Proxy read a Request.
    ['a Proxy', (request) => new Proxy(request, {})],
  ])('is decided alike for %s', async (_what, make) => {
    const { recall, gate } = await warmed()
    const [request, other] = [make(get('/', 'k1')), make(get('/', 'k1'))]
    const admission = recall(request)
    const decided = await gate.decide(other, [])
    expect(admission).toBe(decided.admitted ? decided : undefined)
    expect(admissionOf(request)?.admission).toBe(admissionOf(other)?.admission)
  })

  it('is decided by what a replaced Headers.get returns, once', async () => {
    const { both } = await warmed()
    const answers = ['Bearer k2', 'Bearer k1']
    const read = vi
      .spyOn(Headers.prototype, 'get')
      .mockImplementation(() => answers.shift() ?? null)
    expect((await both.decide(get('/'), [])).admitted).toBe(true)
    expect(read).toHaveBeenCalledTimes(2)
    expect((await both.decide(get('/'), [])).admitted).toBe(false)
  })
})

function own(request: Request, name: string, value: unknown): Request {
  return Object.defineProperty(request, name, { value })
}

function throwing(request: Request, name: string): Request {
  return Object.defineProperty(request, name, {
    get: () => {
      throw new Error('closed')
    },
  })
}
