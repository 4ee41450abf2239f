import { describe, expect, it, vi } from 'vitest'
import { OPTIONS } from '../../../src/core/config/options.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { AuthConfigError, memoryCache } from '../../../src/index.ts'
import { protectedResource } from '../../../src/mcp.ts'
import { defineVerifier, firstOf } from '../../../src/verifiers.ts'
import { createMemoryStore } from '../../support/memory-store.ts'
import type * as CacheModule from '../../../src/core/seams.ts'
import type { CacheBounds } from '../../../src/index.ts'

const ENDPOINT = 'https://auth.example.test/validate'
const RESOURCE = {
  identifier: 'https://api.example.com/mcp',
  authorizationServers: ['https://login.example.com'],
}

function errorOf(config: unknown): AuthConfigError {
  try {
    resolveConfig(config)
  } catch (error) {
    if (error instanceof AuthConfigError) return error
  }
  throw new Error('The config was accepted')
}

describe('a config', () => {
  it('has the documented defaults', () => {
    const config = resolveConfig({ endpoint: ENDPOINT })
    expect(config).toEqual({
      endpoint: ENDPOINT,
      allowInsecureHttp: false,
      endpointHeaders: {},
      context: {
        headers: 'all',
        params: 'values',
        path: true,
        method: false,
        clientAddress: false,
      },
      credentials: ['bearer'],
      identity: 'optional',
      resource: false,
      timeoutMs: 5000,
      retry: { attempts: 1 },
      circuitBreaker: { openMs: 5000 },
      concurrency: { maxInFlight: 64, maxWaiting: 1024 },
      cache: false,
      unavailableStatus: 401,
      public: [],
      preflight: 'deny',
      mode: 'enforce',
      realm: 'api',
      requestIdHeader: false,
      namesCaller: false,
      warnings: [],
      fetch: expect.any(Function) as unknown,
    })
    expect(Object.isFrozen(config)).toBe(true)
    expect(resolveConfig({}).endpoint).toBeUndefined()
  })

  it.each<[object, object?]>([
    [{ endpoint: 'http://auth.example.test/', allowInsecureHttp: true }],
    [{ endpointHeaders: { 'x-secret': 's' } }],
    [{ verifier: firstOf([() => ({ outcome: 'deny' })]), onEvent: () => undefined }],
    [
      {
        context: {
          headers: ['accept'],
          params: 'lists',
          path: false,
          method: true,
          clientAddress: () => undefined,
        },
      },
      { context: { clientAddress: true } },
    ],
    [{ context: { headers: ['X-A', 'x-a', 'b'] } }, { context: { headers: ['x-a', 'b'] } }],
    [{ credentials: 'bearer' }, { credentials: ['bearer'] }],
    [{ identity: 'required', unavailableStatus: 503 }],
    [{ preflight: 'allow', mode: 'shadow', realm: 'a "realm"', requestIdHeader: 'x-id' }],
    [{ timeoutMs: 1 }],
    [{ timeoutMs: 59_999.5 }],
    [{ retry: false, circuitBreaker: false, cache: false }],
    [{ retry: { attempts: 5 } }],
    [{ circuitBreaker: { openMs: 100 } }],
    [{ concurrency: { maxInFlight: 1, maxWaiting: 0 } }],
    [{ public: ['/a'] }, { public: [{ path: '/a', methods: ['GET', 'HEAD'] }] }],
  ])('keeps %j', (config, resolved = config) => {
    expect(resolveConfig(config)).toMatchObject(resolved)
  })

  it('is not changed by later changes of the object that was given', () => {
    const given = {
      endpoint: ENDPOINT,
      endpointHeaders: { a: 'b' },
      context: { headers: ['a'] },
      public: ['/a'],
    }
    const config = resolveConfig(given)
    Object.assign(given, { endpoint: 'https://evil.example.test' })
    given.endpointHeaders.a = 'c'
    given.context.headers.push('cookie')
    given.public.push('/b')
    const kept = { endpoint: ENDPOINT, endpointHeaders: { a: 'b' }, context: { headers: ['a'] } }
    expect(config).toMatchObject(kept)
    expect(config.public.map(({ path }) => path)).toEqual(['/a'])
    const parts = [config.context, config.context.headers, config.retry, config.endpointHeaders]
    expect(parts.every(Object.isFrozen)).toBe(true)
  })

  it.each<[object, string]>([
    [{ cache: {} }, '"cache" must be made by a function: cache: memoryCache()'],
    [
      { cache: { allowTtlMs: 5, staleIfErrorMs: '7', isOld: true, 'x\n': 1, '\nx': 1 } },
      '"cache" must be made by a function: cache: memoryCache({ allowTtlMs: 5, staleIfErrorMs: ..., isOld: true })',
    ],
    [
      { cache: true },
      '"cache" must be false, or a cache that memoryCache() of this copy of with-auth has made, received true',
    ],
    [
      { store: { url: 'redis://user:hunter2@redis.example.com' } },
      '"store" must be an option of the cache: cache: memoryCache({ store: redisStore({ url }) })',
    ],
    [
      { resource: RESOURCE },
      '"resource" must be made by a function: resource: protectedResource({ identifier: ..., authorizationServers: ... })',
    ],
    [
      { resource: true },
      '"resource" must be false, or a resource that protectedResource() of this copy of with-auth/mcp has made, received true',
    ],
  ])('says how what used to be options is made now: %j', (config, message) => {
    expect(errorOf({ context: { headers: [] }, ...config }).message).toBe(message)
  })

  it('shares verdicts only of a function with an id', () => {
    const configOf = (more?: object): object => {
      const store = createMemoryStore({ allows: new Map(), revocations: 0 })
      return { context: { headers: [] }, cache: memoryCache({ store }), ...more }
    }
    const ask = async (): Promise<Response> => new Response()
    const messageFor = (what: string): string =>
      `"cache.store.shareVerdicts" must be false, since the ${what} has no id: by an id instances know whose verdicts they share`
    expect(errorOf(configOf({ fetch: ask })).message).toBe(messageFor('function of "fetch"'))
    expect(errorOf(configOf({ verifier: ask })).message).toBe(messageFor('verifier'))
    const known = Object.assign(ask.bind(null), { id: 'own' })
    for (const more of [{}, { fetch: known }]) {
      expect(() => resolveConfig(configOf(more))).not.toThrow()
    }
  })

  it('takes no cache of another copy of the package', async () => {
    // A query makes it another module, and its classes other classes.
    const copy = '../../../src/core/seams.ts?copy'
    const { PartitionedCache } = (await import(copy)) as typeof CacheModule
    class Other extends PartitionedCache {
      readonly invalidate = vi.fn<() => Promise<void>>()
      readonly invalidateBy = vi.fn<() => Promise<void>>()
      readonly clear = vi.fn<() => Promise<void>>()
      readonly stop = vi.fn<() => void>()
      readonly describe = vi.fn<() => CacheBounds>()
      readonly store = undefined
      open(): never {
        throw new TypeError('Not asked for')
      }
    }
    const { message } = errorOf({ cache: new Other(), context: { headers: [] } })
    expect(message).toMatch(/^"cache" must be false, or a cache that memoryCache\(\) of this copy/)
  })
})

it.each(['onEvent', 'respond', 'scopeImplies', 'fetch', 'verifier'])(
  '%s: undefined is the same as leaving it out',
  (name) => {
    expect(() => resolveConfig({ endpoint: ENDPOINT, [name]: undefined })).not.toThrow()
  },
)

describe('the problems of a config', () => {
  it('are all in the error, in its message and as data', () => {
    const error = errorOf({ timeoutMs: 0, retrys: 3, context: { path: 1, method: 1 }, mode: 'x' })
    expect(error.option).toBe('retrys')
    expect(error.message.split('\n')).toHaveLength(5)
    expect(error.problems).toMatchObject([
      { optionPath: ['retrys'], isUnknown: true, didYouMean: 'retry' },
      { optionPath: ['context', 'path'], expected: 'true or false', received: '1' },
      { optionPath: ['context', 'method'] },
      { optionPath: ['timeoutMs'], isSecret: false },
      { optionPath: ['mode'], received: '"x"' },
    ])
  })

  it('have no field for what is not known', () => {
    const expected = expect.any(String) as string
    expect(errorOf({ 'no such option': 1, mode: 'x' }).problems).toStrictEqual([
      { optionPath: ['no such option'], expected, isSecret: false, isUnknown: true },
      { optionPath: ['mode'], expected, received: '"x"', isSecret: false },
    ])
  })

  it('are collected up to 101, and ten of them are in the message', () => {
    const error = errorOf({ public: Array(500).fill('x'), mode: 'x' })
    expect(error.problems).toHaveLength(101)
    expect(error.message).toMatch(/\nand 91 more problems$/)
    expect(errorOf(Object.fromEntries(Array(500).entries())).problems).toHaveLength(101)
  })

  it.each(['endpoint', 'allowInsecureHttp', 'endpointHeaders', 'fetch'])(
    'name %s beside a verifier, where it would have no effect',
    (option) => {
      const error = errorOf({ verifier: () => ({ outcome: 'deny' }), [option]: 'anything' })
      expect(error.problems).toHaveLength(1)
      expect(error.message).toMatch(
        new RegExp(`^"${option}" must be left out beside "verifier", which replaces the endpoint$`),
      )
      expect(error.problems[0]?.isSecret).toBe(false)
    },
  )

  it('name a cache that could never be hit, since the endpoint is told all headers', () => {
    expect(errorOf({ cache: memoryCache() }).message).toMatch(
      /^"cache" must be false unless "context.headers" .* no two requests are the same\. .* decides by the token alone$/,
    )
    // An invalid `context` hides whether the cache could be hit.
    expect(errorOf({ cache: memoryCache(), context: { headers: 5 } }).problems).toHaveLength(1)
  })

  it('leave out what only follows from another', () => {
    expect(errorOf({ endpoint: 'http://a.example', allowInsecureHttp: 1 }).problems).toHaveLength(1)
    expect(errorOf({ credentials: 5, requestIdHeader: 'x-id' }).problems).toHaveLength(1)
    expect(
      errorOf({ credentials: 5, resource: protectedResource(RESOURCE) }).problems,
    ).toHaveLength(1)
    expect(errorOf({ verifier: 5, cache: memoryCache() }).problems).toHaveLength(1)
    const verifier = defineVerifier({
      ask: () => ({ outcome: 'deny' }),
      reads: { clientAddress: true },
    })
    expect(errorOf({ verifier, context: 5 }).problems).toHaveLength(1)
  })

  it('are not made of an error that a getter throws', () => {
    const config = Object.defineProperty({}, 'realm', {
      enumerable: true,
      get: () => {
        throw new RangeError('mine')
      },
    })
    expect(() => resolveConfig(config)).toThrow(RangeError)
    expect(() => resolveConfig({ context: config })).toThrow(RangeError)
  })
})

describe('the fetch', () => {
  const init = {
    method: 'POST',
    headers: {},
    body: '',
    redirect: 'manual',
    signal: new AbortController().signal,
  } as const

  it('is the global one at each call, so that a later wrapper around it is used', async () => {
    const config = resolveConfig({})
    const replaced = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('late'))
    await config.fetch(ENDPOINT, init)
    expect(replaced).toHaveBeenCalledExactlyOnceWith(ENDPOINT, init)
  })

  it('is the one that is given', async () => {
    const own = vi.fn<typeof fetch>().mockResolvedValue(new Response())
    await resolveConfig({ fetch: own }).fetch(ENDPOINT, init)
    expect(own).toHaveBeenCalledExactlyOnceWith(ENDPOINT, init)
  })
})

it.each(Object.entries(OPTIONS).filter(([, form]) => 'default' in form))(
  'the default of %s is a value that its form accepts',
  (name, form) => {
    expect(() => resolveConfig({ [name]: form.default })).not.toThrow()
  },
)
