import { describe, expect, it } from 'vitest'
import { createAuthenticator, memoryCache } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import { WAYS } from '../../support/tcp-endpoint.ts'
import { startService } from '../../support/verifier-service.ts'
import type { ServerResponse } from 'node:http'
import type { AuthConfig } from '../../../src/index.ts'

/** Many clients at once, over real sockets. */

/** Asks about a token. Resolves with `allow`, or the reason of the rejection. */
function asker(config: AuthConfig) {
  const authenticate = createAuthenticator(config)
  return async (token: string): Promise<string> => {
    const result = await authenticate(get('/', token))
    return result.ok ? 'allow' : result.reason
  }
}

describe.each(WAYS)('over %s', { tags: ['slow'] }, (_name, way) => {
  it('500 clients of an endpoint that hangs hold at most 64 sockets, and cache hits go on', async () => {
    // A quarter of the 64 calls is for known tokens.
    const UNKNOWN = 48
    // Node's fetch may keep an idle connection or two beside those in use.
    const SPARE = 4
    let isHanging = false
    let held = 0
    let mostHeld = 0
    const { url, calls, counts } = await startService((_call, response) => {
      if (!isHanging) return { text: '{}' }
      held += 1
      mostHeld = Math.max(mostHeld, held)
      return void response.on('close', () => (held -= 1))
    })
    const ask = asker({
      ...way,
      endpoint: url,
      timeoutMs: 5000,
      circuitBreaker: false,
      context: { headers: [] },
      cache: memoryCache({ allowTtlMs: 600_000 }),
    })
    expect(await ask('cached')).toBe('allow')
    isHanging = true
    const clients = Array.from({ length: 500 }, (_, index) => ask(`token-${index}`))
    await expect.poll(() => mostHeld, { interval: 5, timeout: 10_000 }).toBe(UNKNOWN)
    expect(await ask('cached')).toBe('allow')
    expect(mostHeld).toBe(UNKNOWN)
    expect(calls).toHaveLength(1 + UNKNOWN)
    expect(counts.peak).toBeLessThanOrEqual(64 + SPARE)

    // A check that waits for a place is rejected when too little time is left for a call.
    for (const reason of await Promise.all(clients)) {
      expect(['timeout', 'overloaded']).toContain(reason)
    }
    // Node's fetch replaces each connection that it aborted by a spare one for some seconds.
    expect(counts.peak).toBeLessThanOrEqual(2 * 64 + SPARE)
  }, 30_000)

  const KNOWN = ['alice', 'bob', 'carol']

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['denies them', (response) => setTimeout(() => response.writeHead(401).end(), 20)],
    ['never answers them', () => undefined],
    ['hangs up on them', (response) => response.destroy()],
  ])(
    'a flood of random tokens rejects no token that was allowed before, when the endpoint %s',
    async (_what, answerOther) => {
      const { url } = await startService(({ body }, response) => {
        const { api_key: token } = JSON.parse(body) as { api_key: string }
        if (KNOWN.includes(token)) setTimeout(() => response.end(), 20)
        else answerOther(response)
        return undefined
      })
      const ask = asker({
        ...way,
        endpoint: url,
        // On a busy machine a call may take long. The flood does not cause that.
        timeoutMs: 4000,
        concurrency: { maxInFlight: 8, maxWaiting: 16 },
      })
      for (const token of KNOWN) expect(await ask(token)).toBe('allow')
      const flood = { isOver: false, reasons: new Set<string>() }
      const flooder = async (client: number): Promise<void> => {
        for (let turn = 0; !flood.isOver; turn += 1) {
          flood.reasons.add(await ask(`random-${client}-${turn}`))
          // So does a client over a socket.
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
      // Their last calls end with the servers, after the tests.
      for (let client = 0; client < 60; client += 1) void flooder(client)
      const outcomes = new Set<string>()
      for (let turn = 0; turn < 8; turn += 1) {
        for (const outcome of await Promise.all(KNOWN.map(ask))) outcomes.add(outcome)
      }
      flood.isOver = true
      expect(outcomes).toEqual(new Set(['allow']))
      // Places were in short supply.
      expect(flood.reasons).toContain('overloaded')
    },
  )
})
