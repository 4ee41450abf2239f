import { afterEach, describe, expect, it, vi } from 'vitest'
import { AuthConfigError, createAuthenticator, withAuth } from '../../src/index.ts'
import { nodeTransport } from '../../src/node.ts'
import { redisStore } from '../../src/redis.ts'
import { stopGuards } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { get } from '../support/requests.ts'
import type { AuthConfig, AuthEvent, DecisionStore, Transport } from '../../src/index.ts'
import type { RedisStoreOptions } from '../../src/redis.ts'

/** The option `store`, and the functions that drop decisions. The store of these tests is never reached. */

const TOKEN = 'token-of-alice'
const HASH = 'a'.repeat(64)
const cached = { context: { headers: [] }, cache: {} } as const

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

function problemsOf(config: AuthConfig): string {
  try {
    withAuth(() => new Response(), config)
    return ''
  } catch (error) {
    return error instanceof AuthConfigError ? error.message : String(error)
  }
}

describe('the option store', () => {
  const endpoint = 'https://auth.example.com/validate'

  it('needs a cache', async () => {
    expect(problemsOf({ endpoint, store: await unreachable() })).toMatch(
      /^"store" must be left out without "cache"/,
    )
  })

  it('serves without the engine for no longer than the cache', async () => {
    const store = await unreachable({ lostPushTtlMs: 40_000 })
    expect(problemsOf({ endpoint, ...cached, store })).toMatch(
      /^"store" must be one with a "lostPushTtlMs" of at most "cache.allowTtlMs"/,
    )
    expect(problemsOf({ endpoint, ...cached, cache: { allowTtlMs: 50_000 }, store })).toBe('')
  })

  it('needs a scope to share what is asked by a fetch of your own', async () => {
    const store = await unreachable({ shareVerdicts: true, secret: 's'.repeat(32) })
    const fetch: Transport = async () => Response.json({})
    expect(problemsOf({ endpoint, fetch, ...cached, store })).toMatch(
      /^"store" must be one with "scope" beside "fetch"/,
    )
    expect(problemsOf({ endpoint, fetch: nodeTransport(), ...cached, store })).toBe('')
    const other = nodeTransport({ connections: 2 })
    expect(problemsOf({ endpoint, fetch: other, ...cached, store })).toContain('"scope"')
    expect(problemsOf({ endpoint, fetch, ...cached, store: await unreachable() })).toBe('')
  })

  it('needs a scope to share what a verifier says', async () => {
    const sharing = { shareVerdicts: true, secret: 's'.repeat(32) }
    const verifier = () => ({ outcome: 'allow' }) as const
    expect(problemsOf({ verifier, ...cached, store: await unreachable(sharing) })).toMatch(
      /^"store" must be one with "scope" beside "verifier"/,
    )
    const scoped = await unreachable({ ...sharing, scope: 'mine' })
    expect(problemsOf({ verifier, ...cached, store: scoped })).toBe('')
    expect(problemsOf({ endpoint, ...cached, store: await unreachable(sharing) })).toBe('')
  })

  it('is a store', () => {
    const store = { url: 'redis://user:hunter2@redis.example.com' } as unknown as DecisionStore
    expect(problemsOf({ endpoint, ...cached, store })).toBe(
      '"store" must be a store, such as "redisStore()" of with-auth/redis makes, received an object',
    )
  })
})

describe('invalidate, invalidateBy and clear', () => {
  it('resolve without a store', async () => {
    let asked = 0
    const verifier = () => {
      asked += 1
      return { outcome: 'allow' } as const
    }
    const authenticate = createAuthenticator({ verifier, ...cached })
    for (const drop of [
      () => authenticate.invalidate(TOKEN),
      () => authenticate.invalidateBy({ sha256: HASH }),
      () => authenticate.clear(),
    ]) {
      await authenticate(get('/', TOKEN))
      await drop()
    }
    await authenticate(get('/', TOKEN))
    expect(asked).toBe(4)
  })

  it.each([[{ sha256: 'abc' }], [{ sha256: 1 }], [{ sha256: 'g'.repeat(64) }]])(
    'throw for the hash %j at once',
    (by) => {
      const { invalidateBy } = createAuthenticator({ verifier: () => ({ outcome: 'deny' }) })
      expect(() => void invalidateBy(by as { sha256: string })).toThrow(TypeError)
    },
  )

  it('reject while a config function has made no config, and end no process', async () => {
    const { invalidate, clear } = createAuthenticator(() => ({ ...cached }))
    void invalidate(TOKEN)
    await expect(clear()).rejects.toThrow(/the config function has made no config/)
  })

  it('reject what the store does not take, and end no process', async () => {
    const store = await unreachable()
    const config = { verifier: () => ({ outcome: 'allow' }) as const, ...cached, store }
    const authenticate = createAuthenticator({ ...config, cache: { allowTtlMs: 300 } })
    void authenticate.clear()
    await expect(authenticate.invalidate(TOKEN)).rejects.toMatchObject({
      reason: 'revocation_unacknowledged',
    })
  })
})

describe('a store that cannot be reached', () => {
  it('is reported to the console without an observer', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const store = await unreachable()
    const verifier = () => ({ outcome: 'allow' }) as const
    const authenticate = createAuthenticator({ verifier, ...cached, store })
    await authenticate(get('/', TOKEN))
    const lost = expect.stringMatching(/^with-auth: store lost: \w+$/) as unknown
    await vi.waitFor(() => expect(written).toHaveBeenCalledWith(lost))
    written.mockRestore()
  })

  it('is reported once to an observer of several guards', async () => {
    const events: AuthEvent[] = []
    const store = await unreachable()
    const onEvent = (event: AuthEvent): void => void events.push(event)
    const config = { verifier: () => ({ outcome: 'allow' }) as const, ...cached, store, onEvent }
    await Promise.all([1, 2].map(() => createAuthenticator(config)(get('/', TOKEN))))
    const states = (): AuthEvent[] => events.filter(({ type }) => type === 'store')
    await vi.waitFor(() => expect(states()).not.toEqual([]))
    expect(states()).toEqual([expect.objectContaining({ type: 'store', state: 'lost' })])
  })
})
