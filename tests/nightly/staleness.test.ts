import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
import { startAuthEndpoint } from '../support/auth-endpoint.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { get } from '../support/requests.ts'
import type { DecisionCache } from '../../src/index.ts'

/** How long a revoked key still works, with real clocks and a real endpoint. The bound is exact to the millisecond. */

const ALLOW_TTL_MS = 400
const STALE_IF_ERROR_MS = 300
const LOOK_EVERY_MS = 5
const ROUNDS = 8

const revoked = new Set<string>()
let isDown = false
let endpoint = ''

beforeAll(async () => {
  const { url, close } = await startAuthEndpoint(({ token }) =>
    isDown ? { then: 'reset' } : { status: revoked.has(token) ? 401 : 200 },
  )
  endpoint = url
  return close
})

type Guarded = ReturnType<typeof guard>

function guard(cache: DecisionCache) {
  return withAuth(() => new Response('in'), {
    endpoint,
    context: { headers: [], params: 'none', path: false },
    cache,
    circuitBreaker: false,
    timeoutMs: 200,
  })
}

async function isAllowed(guarded: Guarded, key: string): Promise<boolean> {
  return (await guarded(get('/', key))).status === 200
}

/** Sends requests until one is rejected, and returns when the last allowed one was sent. */
async function lastAllowed(guarded: Guarded, key: string): Promise<number> {
  let last = -Infinity
  for (;;) {
    const sentAt = performance.now()
    if (!(await isAllowed(guarded, key))) return last
    last = sentAt
    await pause(LOOK_EVERY_MS)
  }
}

/** Uses keys on each instance at different times, revokes them, and returns how long each instance allows them. */
async function measure(
  instances: readonly Guarded[],
  name: string,
  revoke: (key: string) => void,
): Promise<number[]> {
  const rounds = Array.from({ length: ROUNDS }, async (_, round) => {
    const key = `${name}-${round}`
    await pause(round * 37)
    for (const instance of instances) {
      // Instances cache a key at different times.
      expect(await isAllowed(instance, key)).toBe(true)
      await pause(round * 11)
    }
    revoke(key)
    const revokedAt = performance.now()
    const last = await Promise.all(instances.map((instance) => lastAllowed(instance, key)))
    return last.map((sentAt) => sentAt - revokedAt)
  })
  return (await Promise.all(rounds)).flat()
}

/** The longest time that a revoked key was allowed. */
const longestMs: Record<string, number> = {}

function print(what: string, lags: readonly number[], boundMs: number): void {
  const longest = Math.round(Math.max(...lags))
  longestMs[what] = longest
  process.stdout.write(
    `staleness, ${what}: ${lags.length} revocations, allowed for at most ${longest} ms of ${boundMs}\n`,
  )
}

function figures(): object {
  return {
    allowTtlMs: ALLOW_TTL_MS,
    staleIfErrorMs: STALE_IF_ERROR_MS,
    oneInstanceMs: longestMs['instances: 1'],
    threeInstancesMs: longestMs['instances: 3'],
    outageMs: longestMs['endpoint down'],
  }
}

// On a busy machine an answer takes longer than `timeoutMs`.
describe.runIf(IS_NIGHTLY)('a revoked key', () => {
  it.each([1, 3])('works for at most allowTtlMs, on each of %i instances', async (count) => {
    const instances = Array.from({ length: count }, () =>
      guard(memoryCache({ allowTtlMs: ALLOW_TTL_MS })),
    )
    const lags = await measure(instances, `ttl-${count}`, (key) => revoked.add(key))
    print(`instances: ${count}`, lags, ALLOW_TTL_MS)
    expect(Math.max(...lags)).toBeLessThanOrEqual(ALLOW_TTL_MS)
    // The cache did allow it for some time.
    expect(Math.max(...lags)).toBeGreaterThan(0)
  })

  it('works for at most staleIfErrorMs longer while the endpoint is unavailable', async ({
    task,
  }) => {
    const instances = [
      guard(memoryCache({ allowTtlMs: ALLOW_TTL_MS, staleIfErrorMs: STALE_IF_ERROR_MS })),
      guard(memoryCache({ allowTtlMs: ALLOW_TTL_MS, staleIfErrorMs: STALE_IF_ERROR_MS })),
    ]
    const key = 'stale'
    for (const instance of instances) {
      expect(await isAllowed(instance, key)).toBe(true)
    }
    isDown = true
    const revokedAt = performance.now()
    const last = await Promise.all(instances.map((instance) => lastAllowed(instance, key)))
    isDown = false
    const lags = last.map((sentAt) => sentAt - revokedAt)
    print('endpoint down', lags, ALLOW_TTL_MS + STALE_IF_ERROR_MS)
    expect(Math.max(...lags)).toBeLessThanOrEqual(ALLOW_TTL_MS + STALE_IF_ERROR_MS)
    expect(Math.max(...lags)).toBeGreaterThan(0.9 * ALLOW_TTL_MS)
    task.meta.figures = { staleness: figures() }
  })
})
