/**
 * Tells all instances of a revocation within a second, by way of Redis or Valkey. Needs the package `@redis/client`.
 *
 * @module with-auth/redis
 */
import { createEngine } from './redis/client.ts'
import { parseStoreOptions } from './redis/options.ts'
import { RedisStore } from './redis/store.ts'
import { systemTiming } from './redis/timing.ts'
import type { ClientFactory, ClientOptions, RedisClient } from './redis/client.ts'
import type { DecisionStore } from './core/seams.ts'
import type { RedisStoreOptions } from './redis/options.ts'

export type { ClientFactory, ClientOptions, RedisClient, RedisStoreOptions }

/**
 * Makes the `store` of a `memoryCache`. It connects with the first request, or at the first revocation, and keeps no process alive
 * unless a revocation waits to be acknowledged. One store may serve several caches.
 *
 * While the engine can be reached, a revoked token works for at most `revocationMs`; while it cannot, for `lostPushTtlMs`. The
 * engine is one primary of Redis 6.2 or Valkey 7.2 or later. A replica, a cluster, or a wrong password never stops a request:
 * a `store` event and a warning say so.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { redisStore } from 'with-auth/redis'
 *
 * const cache = memoryCache({
 *   allowTtlMs: 600_000,
 *   store: redisStore({ url: 'redis://127.0.0.1:6379' }),
 * })
 *
 * export default withAuth(() => new Response('hello'), {
 *   endpoint: 'https://auth.example.com/validate',
 *   context: { headers: [], params: 'none', path: false },
 *   cache,
 * })
 *
 * // After the endpoint says no: resolves once every instance learns of it.
 * export const revoke = (token: string): Promise<void> => cache.invalidate(token)
 * ```
 */
export function redisStore(options: RedisStoreOptions): DecisionStore {
  const { settings, engine } = parseStoreOptions(options)
  return new RedisStore(settings, createEngine(engine), systemTiming)
}
