import { afterEach, describe, expect, it, vi } from 'vitest'
import { AuthConfigError, createAuthenticator, memoryCache, withAuth } from '../../src/index.ts'
import { nodeTransport } from '../../src/node.ts'
import { redisStore } from '../../src/redis.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import { stopGuards } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { createMemoryStore } from '../support/memory-store.ts'
import { get } from '../support/requests.ts'
import type {
  AuthConfig,
  AuthEvent,
  DecisionCache,
  DecisionStore,
  Transport,
} from '../../src/index.ts'
import type { RedisStoreOptions } from '../../src/redis.ts'

/** The options of a cache, and the functions that drop decisions. The store of these tests is never reached. */

const TOKEN = 'token-of-alice'
const HASH = 'a'.repeat(64)
const cached = { context: { headers: [] } } as const

const stores: DecisionStore[] = []
afterEach(() => {
  stores.splice(0).forEach((store) => store.stop())
  stopGuards()
})

async function unreachable(options: Partial<RedisStoreOptions> = {}): Promise<DecisionStore> {
  const port = await findFreePort()
  const store = redisStore({ url: `redis://127.0.0.1:${port}`, revocationMs: 250, ...options })
  stores.push(store)
  return store
}

/** A store for revocations only. */
function createUnsharedStore(invalidate: DecisionStore['invalidate']): DecisionStore {
  const store = createMemoryStore({ allows: new Map(), revocations: 0 })
  return { ...store, shared: undefined, invalidate }
}

function problemsOf(make: () => unknown): string {
  try {
    make()
    return ''
  } catch (error) {
    return error instanceof AuthConfigError ? error.message : String(error)
  }
}

const guard = (config: AuthConfig) => (): unknown => withAuth(() => new Response(), config)
const endpoint = 'https://auth.example.com/validate'

describe('the options of memoryCache', () => {
  it.each([
    [{}, { allowTtlMs: 30_000, denyTtlMs: 5000, staleIfErrorMs: 0, maxEntries: 10_000 }],
    [
      { allowTtlMs: 3_600_000, denyTtlMs: 30_000, staleIfErrorMs: 300_000, maxEntries: 1_000_000 },
      undefined,
    ],
    [{ allowTtlMs: 0, denyTtlMs: 0, staleIfErrorMs: 0, maxEntries: 1 }, undefined],
  ])('%j are shown with their defaults', (options, shown) => {
    expect(memoryCache(options).describe()).toEqual(shown ?? options)
  })

  it('refuse a store that serves without its engine for longer than the cache', async () => {
    const store = await unreachable({ lostPushTtlMs: 40_000 })
    expect(problemsOf(() => memoryCache({ store }))).toMatch(
      /^"store" must be one with a "lostPushTtlMs" of at most "allowTtlMs"/,
    )
    const { describe: shown } = memoryCache({ allowTtlMs: 50_000, store })
    expect(shown().store).toEqual({ revocationMs: 250, lostPushTtlMs: 40_000 })
  })
})

describe('a cache whose store shares decisions', () => {
  const sharing = { shareVerdicts: true, secret: 's'.repeat(32) }
  const cacheOf = async (options: Partial<RedisStoreOptions> = {}) =>
    memoryCache({ store: await unreachable(options) })

  it('needs a fetch with an id, whatever its scope', async () => {
    const fetch: Transport = async () => Response.json({})
    for (const scope of [undefined, 'mine']) {
      const cache = await cacheOf({ ...sharing, ...(scope === undefined ? {} : { scope }) })
      expect(problemsOf(guard({ endpoint, fetch, ...cached, cache }))).toBe(
        '"cache.store.shareVerdicts" must be false, since the function of "fetch" has no id: by an id instances know whose verdicts they share',
      )
      const named = Object.assign(fetch.bind(undefined), { id: 'mine' })
      expect(problemsOf(guard({ endpoint, fetch: named, ...cached, cache }))).toBe('')
      for (const made of [nodeTransport(), nodeTransport({ connections: 2 })]) {
        expect(problemsOf(guard({ endpoint, fetch: made, ...cached, cache }))).toBe('')
      }
    }
    expect(problemsOf(guard({ endpoint, fetch, ...cached, cache: await cacheOf() }))).toBe('')
  })

  it('needs a verifier with an id, whatever its scope', async () => {
    const verifier = () => ({ outcome: 'allow' }) as const
    const scoped = await cacheOf({ ...sharing, scope: 'mine' })
    expect(problemsOf(guard({ verifier, ...cached, cache: scoped }))).toMatch(
      /^"cache.store.shareVerdicts" must be false, since the verifier has no id: by an id/,
    )
    const named = defineVerifier({ ask: () => ({ outcome: 'allow' }), id: 'mine' })
    const cache = await cacheOf(sharing)
    expect(problemsOf(guard({ verifier: named, ...cached, cache }))).toBe('')
    expect(problemsOf(guard({ endpoint, ...cached, cache }))).toBe('')
  })
})

describe('invalidate, invalidateBy and clear', () => {
  const DROPS: [string, (cache: DecisionCache) => Promise<void>][] = [
    ['invalidate', (cache) => cache.invalidate(TOKEN)],
    ['invalidateBy', (cache) => cache.invalidateBy({ sha256: HASH })],
    ['clear', (cache) => cache.clear()],
  ]

  /** Asks with one token, and counts how often its verifier was asked. */
  function asker(cache: DecisionCache) {
    const verifier = vi.fn(() => ({ outcome: 'allow' }) as const)
    const authenticate = createAuthenticator({ verifier, ...cached, cache })
    return async (): Promise<number> => {
      await authenticate(get('/', TOKEN))
      return verifier.mock.calls.length
    }
  }

  it.each(DROPS)('resolve without a store: %s', async (_name, drop) => {
    const cache = memoryCache()
    const ask = asker(cache)
    await ask()
    await drop(cache)
    expect(await ask()).toBe(2)
  })

  it.each(['abc', 1, 'g'.repeat(64), `${HASH}0`, `0${HASH}`, [HASH]])(
    'throw for the hash %j at once',
    (sha256) => {
      const { invalidateBy } = memoryCache()
      expect(() => void invalidateBy({ sha256: sha256 as string })).toThrow(
        new TypeError('Cannot invalidate by "sha256": it is not 64 hexadecimal digits'),
      )
    },
  )

  it.each([
    [2000, 2000],
    // The `lostPushTtlMs` of the store is the least, also for a process that only revokes.
    [0, 1000],
  ])(
    'tell the store what to revoke: with an allowTtlMs of %i, it tries for %i ms',
    async (allowTtlMs, withinMs) => {
      const invalidate = vi.fn(async () => undefined)
      const cache = memoryCache({ allowTtlMs, store: createUnsharedStore(invalidate) })
      await cache.invalidateBy({ sha256: HASH.toUpperCase() })
      await cache.clear()
      const told = [
        [{ sha256: HASH }, withinMs],
        ['all', withinMs],
      ]
      expect(invalidate.mock.calls).toEqual(told)
    },
  )

  it('with a store, drop nothing for the hash of an unknown token', async () => {
    const cache = memoryCache({ store: createUnsharedStore(async () => undefined) })
    const ask = asker(cache)
    await ask()
    await cache.invalidateBy({ sha256: HASH })
    expect(await ask()).toBe(1)
    await cache.clear()
    expect(await ask()).toBe(2)
  })

  it.each([[undefined], [null], [5], [{}]])('throw for the token %s at once', (token: unknown) => {
    expect(() => void memoryCache().invalidate(token as string)).toThrow(
      'Cannot invalidate the token: it is not a string',
    )
  })

  it.each(DROPS)('reject what the store does not take, and end no process: %s', async (_, drop) => {
    const cache = memoryCache({ allowTtlMs: 300, store: await unreachable() })
    void drop(cache)
    await expect(drop(cache)).rejects.toMatchObject({ reason: 'revocation_unacknowledged' })
  })

  it('wait no longer once the cache is stopped, which needs no store', async () => {
    memoryCache().stop()
    const cache = memoryCache({ store: await unreachable() })
    const pending = cache.clear()
    cache.stop()
    await expect(pending).rejects.toMatchObject({ reason: 'stopped' })
  })
})

describe('a store that cannot be reached', () => {
  it('is reported to the console without an observer', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const store = await unreachable()
    const verifier = () => ({ outcome: 'allow' }) as const
    const cache = memoryCache({ store })
    const authenticate = createAuthenticator({ verifier, ...cached, cache })
    await authenticate(get('/', TOKEN))
    const lost = expect.stringMatching(/^with-auth: store lost: \w+$/) as unknown
    await expect.poll(() => written).toHaveBeenCalledWith(lost)
  })

  it('is reported once to the observer of a cache of several guards', async () => {
    const events: AuthEvent[] = []
    const store = await unreachable()
    const onEvent = (event: AuthEvent): void => void events.push(event)
    const cache = memoryCache({ store, onEvent })
    const config = { verifier: () => ({ outcome: 'allow' }) as const, ...cached, cache }
    await Promise.all([1, 2].map(() => createAuthenticator(config)(get('/', TOKEN))))
    const states = (): AuthEvent[] => events.filter(({ type }) => type === 'store')
    await expect.poll(() => states()).not.toEqual([])
    expect(states()).toEqual([expect.objectContaining({ type: 'store', state: 'lost' })])
  })
})
