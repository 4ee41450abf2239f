import { parseCacheOptions } from './options.ts'
import { Memory, Parts } from './parts.ts'
import { CachePartition } from './partition.ts'
import { ignore } from '../core/async.ts'
import { invalidSecret, isOptionsObject } from '../core/config/option-checks.ts'
import { PartitionedCache } from '../core/seams.ts'
import { createChannel, createConsole } from '../core/response/events.ts'
import { systemClock } from '../core/runtime.ts'
import type { MemoryCacheOptions, ParsedCacheOptions } from './options.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Partition } from '../core/asking/partition.ts'
import type { DecisionCache, DecisionStore, Revocation, Scope } from '../core/seams.ts'
import type { Channel } from '../core/response/events.ts'

const MOST_PARTITIONS = 1024

/**
 * Makes a `cache` for one or more guards: it remembers decisions in the memory of this process. Guards share a decision only if all
 * that gives it its meaning is equal: the endpoint or verifier, what it is told, and the identity that is read from its answer.
 *
 * It draws and measures nothing before the first request, so it may be made at module level on Workers.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 *
 * const cache = memoryCache({ allowTtlMs: 60_000 })
 *
 * export default withAuth(() => new Response('hello'), {
 *   endpoint: 'https://auth.example.com/validate',
 *   context: { headers: [] },
 *   cache,
 * })
 *
 * // After the endpoint says no: the next request asks again.
 * export const revoke = (token: string): Promise<void> => cache.invalidate(token)
 * ```
 */
export function memoryCache(options: MemoryCacheOptions = {}): DecisionCache {
  if (isOptionsObject(options)) return createCache(options)
  // A text may be the URL of a store, with its password.
  throw invalidSecret(['options'], 'an object, as in memoryCache({ allowTtlMs: 30000 })')
}

/** @param path Leads to the options in messages, where they stand in a file. */
export function createCache(options: unknown, path: OptionPath = []): DecisionCache {
  return new MemoryCache(parseCacheOptions(options, path))
}

class MemoryCache extends PartitionedCache {
  readonly store: DecisionStore | undefined
  readonly #options: ParsedCacheOptions
  readonly #notify: Channel['notify']
  // In the order in which they were opened, or looked at when the last one was closed.
  readonly #partitions = new Map<string, Parts>()
  #memory: Memory | undefined

  constructor(options: ParsedCacheOptions) {
    super()
    this.store = options.store
    this.#options = options
    this.#notify = createChannel(options.onEvent, createConsole()).notify
  }

  readonly invalidate: DecisionCache['invalidate'] = (token) => {
    if (typeof token !== 'string') {
      throw new TypeError('Cannot invalidate the token: it is not a string')
    }
    this.#forget(token)
    return this.#announce({ token }) ?? Promise.resolve()
  }

  readonly invalidateBy: DecisionCache['invalidateBy'] = (by) => {
    const sha256: unknown = by.sha256
    if (typeof sha256 !== 'string' || !/^[\da-f]{64}$/i.test(sha256)) {
      throw new TypeError('Cannot invalidate by "sha256": it is not 64 hexadecimal digits')
    }
    const announced = this.#announce({ sha256: sha256.toLowerCase() })
    // No entry has the hash of its token.
    if (announced === undefined) this.#forget()
    return announced ?? Promise.resolve()
  }

  readonly clear: DecisionCache['clear'] = () => {
    this.#forget()
    return this.#announce('all') ?? Promise.resolve()
  }

  readonly describe: DecisionCache['describe'] = () => {
    const { allowTtlMs, denyTtlMs, staleIfErrorMs, maxEntries, store } = this.#options
    const bounds = { allowTtlMs, denyTtlMs, staleIfErrorMs, maxEntries }
    if (store === undefined) return bounds
    const { revocationMs, lostPushTtlMs } = store
    return { ...bounds, store: { revocationMs, lostPushTtlMs } }
  }

  readonly stop: DecisionCache['stop'] = () => this.store?.stop()

  open(scope: Scope): Partition {
    const start = (): void => this.store?.start(this, this.#notify)
    const memory = (this.#memory ??= new Memory(this.describe(), systemClock, this.store, start))
    return new CachePartition(memory, scope, () => this.#partsOf(scope, memory))
  }

  #partsOf({ common, own }: Scope, memory: Memory): Parts {
    const name = `${own} ${common}`
    const known = this.#partitions.get(name)
    if (known !== undefined) return known
    if (this.#partitions.size >= MOST_PARTITIONS) this.#closeOne()
    const parts = new Parts(memory)
    this.#partitions.set(name, parts)
    return parts
  }

  // The one unused longest, as nearly as a flag tells.
  #closeOne(): void {
    for (const [name, parts] of this.#partitions) {
      this.#partitions.delete(name)
      if (!parts.isUsed) return parts.close()
      parts.isUsed = false
      this.#partitions.set(name, parts)
    }
  }

  #forget(token?: string): void {
    for (const parts of this.#partitions.values()) parts.forget(token)
  }

  #announce(revocation: Revocation): Promise<void> | undefined {
    const { store, allowTtlMs } = this.#options
    if (store === undefined) return undefined
    // A process may revoke before its first request, or get none.
    store.start(this, this.#notify)
    const announced = store.invalidate(revocation, Math.max(allowTtlMs, store.lostPushTtlMs))
    // A caller may ignore the promise, and its rejection must not end the process.
    ignore(announced)
    return announced
  }
}
