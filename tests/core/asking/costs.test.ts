import { promiseHooks } from 'node:v8'
import { expect, it, onTestFinished, vi } from 'vitest'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, AuthEvent } from '../../../src/index.ts'

/** Counts what a request costs, apart from the call of the endpoint. A change that adds to it fails here. */

const RESULT = new Response('ok')
const handler = vi.fn((_request: Request) => RESULT)
const BY_TOKEN = { headers: [], params: 'none', path: false } as const

type Counted = readonly [owner: object, name: string, as?: string]
const { prototype: map } = Map
const { prototype: weakMap } = WeakMap
const { prototype: set } = Set
const COUNTED: readonly Counted[] = [
  [Promise.prototype, 'then', 'promises'],
  [performance, 'now'],
  [Date, 'now', 'time of day'],
  ...['URL', 'URLSearchParams', 'Headers', 'AbortController'].map(
    (name) => [globalThis, name] as const,
  ),
  ...['setTimeout', 'queueMicrotask'].map((name) => [globalThis, name] as const),
  [crypto.subtle, 'digest'],
  [JSON, 'stringify'],
  [EventTarget.prototype, 'addEventListener'],
  ...[map, weakMap].map((owner) => [owner, 'set', 'writes'] as const),
  ...[set, WeakSet.prototype].map((owner) => [owner, 'add', 'writes'] as const),
  ...[map, weakMap, set].map((owner) => [owner, 'delete', 'writes'] as const),
]

/** Lets a function count its calls. Returns what undoes that. */
function counting(owner: object, name: string, note: () => void): () => void {
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') throw new TypeError(`No function: ${name}`)
  const counted = new Proxy(original, {
    apply: (target, self, args) => (note(), Reflect.apply(target, self, args)),
    construct: (target, args) => (note(), Reflect.construct(target, args) as object),
  })
  Reflect.set(owner, name, counted)
  return () => void Reflect.set(owner, name, original)
}

/** Counts what is made from now on. Returns a function that ends this. */
function startCounting(): () => Readonly<Record<string, number>> {
  const costs: Record<string, number> = {}
  const note = (what: string) => (): void => {
    costs[what] = (costs[what] ?? 0) + 1
  }
  const notePromise = note('promises')
  // An async function and `new Promise` make a promise without a parent. Each `then` makes one too, and an `await` calls none.
  const undo = [
    promiseHooks.onInit((_promise, parent) => {
      if (parent === undefined) notePromise()
    }),
    ...COUNTED.map(([owner, name, as = name]) => counting(owner, name, note(as))),
  ]
  const restore = (): void => {
    for (const one of undo.splice(0)) one()
  }
  // Also if what is counted throws: the next file runs in the same process.
  onTestFinished(restore)
  return () => {
    restore()
    return costs
  }
}

/** A request that writes down what is done with its headers. */
function watched(used: string[], token = 'k1'): Request {
  const request = get('/a?x=1', token, { 'x-tenant': 'acme', accept: '*/*' })
  const headers = new Proxy(request.headers, {
    get: (original, property) => {
      const member: unknown = Reflect.get(original, property, original)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        used.push([property, ...args].map(String).join(' '))
        return member.apply(original, args)
      }
    },
  })
  return Object.defineProperty(request, 'headers', { value: headers })
}

/** A guarded handler that has a verdict for the token `k1`. */
async function warmed(config: AuthConfig) {
  const guarded = withAuth(handler, {
    verifier: () => ({ outcome: 'allow', principal: 'ada' }),
    context: BY_TOKEN,
    cache: memoryCache(),
    ...config,
  })
  await guarded(get('/a?x=1', 'k1', { 'x-tenant': 'acme' }))
  return guarded
}

it.each<[string, AuthConfig, number]>([
  ['without a cache', {}, 5],
  ['with a cache', { cache: memoryCache() }, 6],
])(
  'a new token costs few promises, one timer, one signal and few writes to maps: %s',
  async (_what, options, writes) => {
    const bytes = new TextEncoder().encode('{"principal":"alice"}').buffer
    const body = Promise.resolve(bytes)
    const headers = new Headers({ 'content-length': String(bytes.byteLength) })
    const answer = Promise.resolve({ status: 200, headers, body: null, arrayBuffer: () => body })
    vi.stubGlobal('fetch', () => answer)
    const endpoint = 'https://auth.example.test/validate'
    const guarded = withAuth(handler, { endpoint, context: BY_TOKEN, ...options })
    const all: Readonly<Record<string, number>>[] = []
    for (let turn = 0; turn < 8; turn += 1) {
      const request = get('/', `token-${turn}`)
      const stop = startCounting()
      await guarded(request)
      all.push(stop())
    }
    const least = (name: string): number => Math.min(...all.map((costs) => costs[name] ?? 0))
    expect(least('promises')).toBeLessThanOrEqual(8)
    expect(least('now')).toBeLessThanOrEqual(3)
    expect([least('setTimeout'), least('AbortController')]).toEqual([1, 1])
    expect(least('addEventListener')).toBeLessThanOrEqual(1)
    expect(least('writes')).toBeLessThanOrEqual(writes)
  },
)

const ALL_TOLD = { path: true, params: 'values', headers: ['x-tenant'] } as const

it.each<[string, NonNullable<AuthConfig['context']>]>([
  ['only the token', BY_TOKEN],
  ['the path, the query and a header too', ALL_TOLD],
])(
  'a hit makes no promise, URL, Headers, timer or digest when told %s, and returns the very result',
  async (_what, context) => {
    const caches: string[] = []
    const onEvent = (event: AuthEvent): void =>
      void (event.type === 'decision' && caches.push(event.cache))
    const guarded = await warmed({ context, onEvent })
    const request = get('/a?x=1', 'k1', { 'x-tenant': 'acme' })
    const stop = startCounting()
    const result = guarded(request)
    const { now: _now, 'time of day': _time, writes: _writes, ...dear } = stop()
    expect(result).toBe(RESULT)
    expect(handler).toHaveBeenLastCalledWith(request)
    expect(caches).toEqual(['miss', 'hit'])
    expect(dear).toEqual({})
  },
)

it('a hit is as cheap without an observer, and reads the field, the URL and both clocks once', async () => {
  const guarded = await warmed({})
  const used: string[] = []
  const url = vi.fn(() => 'https://api.example.test/a?x=1')
  const request = Object.defineProperty(watched(used), 'url', { get: url })
  const stop = startCounting()
  const result = guarded(request)
  const { writes: _writes, ...costs } = stop()
  expect(result).toBe(RESULT)
  expect(costs).toEqual({ now: 1, 'time of day': 1 })
  expect(used).toEqual(['get authorization'])
  expect(url).toHaveBeenCalledOnce()
})

it('all that is dear is counted', () => {
  const stop = startCounting()
  for (const name of ['URL', 'URLSearchParams', 'Headers', 'AbortController'] as const)
    Reflect.construct(globalThis[name], name === 'URL' ? ['http://h'] : [])
  clearTimeout(setTimeout(() => undefined, 0))
  queueMicrotask(() => undefined)
  void crypto.subtle.digest('SHA-256', new Uint8Array())
  void (async () => undefined)()
  JSON.stringify({})
  const names =
    'URL URLSearchParams Headers AbortController setTimeout queueMicrotask digest promises stringify'
  expect(Object.keys(stop())).toEqual(expect.arrayContaining(names.split(' ')))
})

it.each<[string, AuthConfig, read: string]>([
  ['without an observer', { context: { headers: [] } }, 'authorization'],
  ['that tells a header', { context: { headers: ['x-tenant'] } }, 'authorization x-tenant'],
  [
    'with an observer',
    { onEvent: vi.fn(), requestIdHeader: 'x-request-id' },
    'authorization x-request-id traceparent',
  ],
])('a hit reads no header but those that are needed: %s', async (_what, config, read) => {
  const used: string[] = []
  const guarded = await warmed(config)
  expect(guarded(watched(used))).toBe(RESULT)
  expect(used).toEqual(read.split(' ').map((name) => `get ${name}`))
})

it('a token of the wrong form is rejected before other headers are read, without a cache', async () => {
  const used: string[] = []
  const guarded = withAuth(handler, { verifier: () => ({ outcome: 'allow' }) })
  const malformed = watched(used, 'k1, k2')
  expect(await guarded(malformed)).toMatchObject({ status: 401 })
  expect(used).toEqual(['get authorization'])
})

it('a rejection is written as JSON once for each reason', async () => {
  const guarded = await warmed({})
  await guarded(get('/'))
  const stop = startCounting()
  expect(await guarded(get('/'))).toMatchObject({ status: 401 })
  expect(stop()).not.toHaveProperty('stringify')
})
