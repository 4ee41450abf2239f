import { createHook } from 'node:async_hooks'
import { expect, it, vi } from 'vitest'
import { withAuth } from '../src/core/with-auth.ts'
import { memoryCache } from '../src/index.ts'
import { get } from './support/requests.ts'
import type { AuthConfig, AuthEvent } from '../src/index.ts'

const RESULT = new Response()
const handler = vi.fn((_request: Request) => RESULT)
const CONSTRUCTORS = ['URL', 'URLSearchParams', 'Headers', 'AbortController'] as const

/** A guarded handler that has a verdict for the token `k1`, told as in the benchmark unless the context says more. */
async function warmed(context: AuthConfig['context'] = {}) {
  const caches: string[] = []
  const guarded = withAuth(handler, {
    verifier: () => ({ outcome: 'allow', principal: 'ada' }),
    context: { headers: [], params: 'none', path: false, ...context },
    cache: memoryCache(),
    onEvent: (event: AuthEvent) => event.type === 'decision' && caches.push(event.cache),
  })
  await guarded(get('/a?x=1', 'k1', { 'x-tenant': 'acme' }))
  return { guarded, caches }
}

/** How often each is constructed or called from now on. */
function countDear(): Record<string, number> {
  const counts: Record<string, number> = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  for (const name of CONSTRUCTORS) {
    const construct = (original: never, args: never[], target: never): object => {
      count(name)
      return Reflect.construct<never[], object>(original, args, target)
    }
    vi.stubGlobal(name, new Proxy(globalThis[name], { construct }))
  }
  for (const name of ['setTimeout', 'queueMicrotask'] as const) {
    vi.spyOn(globalThis, name).mockImplementation(() => count(name) as never)
  }
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(() => count('digest') as never)
  return counts
}

/** How many promises are made while `run` runs, by a constructor or by an async function. */
function countPromises(run: () => unknown): number {
  let count = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') count += 1
    },
  })
  hook.enable()
  run()
  hook.disable()
  return count
}

/** A request that writes down what is done with its headers. */
function watched(used: string[]): Request {
  const request = get('/a?x=1', 'k1', { 'x-tenant': 'acme', accept: '*/*' })
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

it('returns the result of the handler itself on a hit, and no promise', async () => {
  const { guarded, caches } = await warmed()
  const request = get('/a', 'k1')
  expect(guarded(request)).toBe(RESULT)
  expect(handler).toHaveBeenLastCalledWith(request)
  expect(caches).toEqual(['miss', 'hit'])
})

it.each<[string, AuthConfig['context']]>([
  ['only the token', {}],
  ['the path, the query and a header too', { path: true, params: 'values', headers: ['x-tenant'] }],
])('makes no promise, URL, Headers, timer or digest on a hit when told %s', async (_, context) => {
  const { guarded, caches } = await warmed(context)
  const request = get('/a?x=1', 'k1', { 'x-tenant': 'acme' })
  const dear = countDear()
  const promises = countPromises(() => guarded(request))
  expect(caches).toEqual(['miss', 'hit'])
  expect({ ...dear, promises }).toEqual({ promises: 0 })
})

it('is as cheap for a guard without an observer, which reads the field, the URL and both clocks once', async () => {
  const config: AuthConfig = {
    verifier: () => ({ outcome: 'allow', principal: 'ada' }),
    context: { headers: [], params: 'none', path: false },
    cache: memoryCache(),
  }
  const guarded = withAuth(handler, config)
  await guarded(get('/a?x=1', 'k1'))
  const used: string[] = []
  const request = watched(used)
  const url = vi.fn(() => 'https://api.example.test/a?x=1')
  Object.defineProperty(request, 'url', { get: url })
  const clocks = [vi.spyOn(performance, 'now'), vi.spyOn(Date, 'now')]
  const dear = countDear()
  let result: unknown
  const promises = countPromises(() => (result = guarded(request)))
  expect(clocks.map(({ mock }) => mock.calls.length)).toEqual([1, 1])
  expect(result).toBe(RESULT)
  expect({ ...dear, promises }).toEqual({ promises: 0 })
  expect(used).toEqual(['get authorization'])
  expect(url).toHaveBeenCalledOnce()
})

it('counts what is dear where it is made', () => {
  const dear = countDear()
  const promises = countPromises(() => {
    for (const name of CONSTRUCTORS)
      Reflect.construct(globalThis[name], ['http://h'].slice(0, name === 'URL' ? 1 : 0))
    setTimeout(() => undefined, 0)
    queueMicrotask(() => undefined)
    void crypto.subtle.digest('SHA-256', new Uint8Array())
    void (async () => undefined)()
  })
  expect(dear).toEqual({
    URL: 1,
    URLSearchParams: 1,
    Headers: 1,
    AbortController: 1,
    setTimeout: 1,
    queueMicrotask: 1,
    digest: 1,
  })
  expect(promises).toBeGreaterThan(0)
})

it('reads no header on a hit but Authorization and what the endpoint is told', async () => {
  const used: string[] = []
  const tokenOnly = await warmed()
  expect(tokenOnly.guarded(watched(used))).toBe(RESULT)
  // For the event.
  const [id, ...read] = ['get traceparent', 'get authorization']
  expect(used).toEqual([...read, id])
  const told = await warmed({ headers: ['x-tenant'] })
  expect(told.guarded(watched(used))).toBe(RESULT)
  expect(used.slice(2)).toEqual([...read, 'get x-tenant', id])
})

it('reads the ids of request and trace on a hit only for an observer', async () => {
  const read = async (config: AuthConfig): Promise<string[]> => {
    const used: string[] = []
    const guarded = withAuth(handler, {
      verifier: () => ({ outcome: 'allow', principal: 'ada' }),
      context: { headers: [] },
      cache: memoryCache(),
      requestIdHeader: 'x-request-id',
      ...config,
    })
    await guarded(get('/a?x=1', 'k1'))
    expect(guarded(watched(used))).toBe(RESULT)
    return used
  }
  expect(await read({})).toEqual(['get authorization'])
  const onEvent = vi.fn()
  expect(await read({ onEvent })).toEqual([
    'get authorization',
    'get x-request-id',
    'get traceparent',
  ])
})
