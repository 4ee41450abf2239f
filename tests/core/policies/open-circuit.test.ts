import { describe, expect, it } from 'vitest'
import { AuthUnavailableError, withAuth } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, DecisionEvent } from '../../../src/index.ts'

/** Who still gets in while a circuit is open. The tests of compose.ts and of the store have stale and remote allows. */

describe('while a circuit is open', () => {
  /** A guard whose verifier fails, waits or answers. `ask` returns the reason of a rejection. */
  function guarding(options: AuthConfig = {}) {
    const endpoint = { isDown: false, pending: Promise.resolve() }
    const events: DecisionEvent[] = []
    const guarded = withAuth(() => new Response('ok'), {
      verifier: async ({ token }) => {
        if (endpoint.isDown) throw new AuthUnavailableError('unreachable')
        await endpoint.pending
        return token === 'known' ? { outcome: 'allow' } : { outcome: 'deny' }
      },
      context: { headers: [] },
      retry: false,
      circuitBreaker: { minChecks: 1 },
      onEvent: (event) => void (event.type === 'decision' && events.push(event)),
      respond: ({ reason }) => new Response(reason, { status: 401 }),
      ...options,
    })
    const ask = async (token: string, path = '/'): Promise<string> =>
      (await guarded(get(path, token))).text()
    return { endpoint, ask, caches: () => events.map(({ cache }) => cache) }
  }

  it.each([{}, { cache: {} }])('known tokens pass that did not open it: %j', async (options) => {
    const { endpoint, ask, caches } = guarding(options)
    expect(await ask('known')).toBe('ok')
    endpoint.isDown = true
    expect(await ask('made-up')).toBe('unreachable')
    endpoint.isDown = false
    expect(await ask('made-up')).toBe('circuit_open')
    expect(await ask('known', '/other')).toBe('ok')
    const cache = 'cache' in options ? 'miss' : 'off'
    expect(caches()).toEqual([cache, cache, cache, cache])
  })

  it('a check joins a call that began before', async () => {
    const { endpoint, ask } = guarding()
    let answer = (): void => undefined
    endpoint.pending = new Promise((resolve) => (answer = resolve))
    const first = ask('known')
    endpoint.isDown = true
    expect(await ask('made-up')).toBe('unreachable')
    expect(await ask('made-up')).toBe('circuit_open')
    const second = ask('known')
    answer()
    expect(await Promise.all([first, second])).toEqual(['ok', 'ok'])
  })
})
