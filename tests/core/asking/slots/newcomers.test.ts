/** @module-tag slow */
import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../../../src/index.ts'
import { endpointVerifier } from '../../../../src/verifiers.ts'
import { createVirtualClock, withClock } from '../../../support/virtual-clock.ts'
import type { AuthConfig } from '../../../../src/index.ts'

/** Known tokens, and new good ones, while 3,000 clients send made-up ones, on a virtual clock. */

const FLOODING = 3000
const NEWCOMERS = 60
/** As many as one processor rejects. */
const FLOOD_PER_MS = 3
const TICK_MS = 1
/** As `Retry-After` says. */
const RETRY_MS = 1000
const CALL_MS = 20

const FROM: Readonly<Record<string, (client: number, token: number) => string>> = {
  'an IPv4 address each': (client) => `10.${client >> 8}.${client & 255}.7`,
  'another IPv6 address for each request': (client, token) =>
    `2001:db8:${client.toString(16)}:1:${(token % 60_000).toString(16)}::1`,
}

/** How many of 60 newcomers get in within 4 seconds, each from an address of its own. */
async function countAdmitted(
  addressOf: (client: number, token: number) => string,
  config: AuthConfig,
): Promise<number> {
  const clock = createVirtualClock()
  let admitted = 0
  const known = new Set<boolean>()
  await withClock(
    clock,
    () => 0.5,
    async () => {
      const guarded = withAuth(() => new Response(), {
        verifier: endpointVerifier({
          endpoint: 'https://auth.example.test/',
          context: { headers: [] },
          fetch: async (_url, { body }) => {
            await new Promise((resolve) => setTimeout(resolve, CALL_MS))
            return new Response('{}', { status: String(body).includes('good') ? 200 : 401 })
          },
        }),
        cache: memoryCache(),
        ...config,
      })
      const ask = async (token: string, address: string, path = '/'): Promise<boolean> => {
        const headers = { authorization: `Bearer ${token}`, 'x-address': address }
        return (await guarded(new Request(`https://api.example.test${path}`, { headers }))).ok
      }
      // On another path each time, so that its check is not in the cache.
      const askKnown = async (path: string): Promise<void> =>
        void known.add(await ask('good-known', '198.51.100.1', path))
      void askKnown('/')
      await clock.pass(CALL_MS)
      let tokens = 0
      const idle = Array.from({ length: FLOODING }, (_, client) => client)
      const flood = async (client: number): Promise<void> => {
        tokens += 1
        await ask(`made-up-${tokens}`, addressOf(client, tokens))
        idle.push(client)
      }
      const waiting = new Map<number, number>()
      const come = async (client: number): Promise<void> => {
        waiting.delete(client)
        if (await ask(`good-${client}`, `203.0.113.${client}`)) admitted += 1
        else waiting.set(client, clock.now() + RETRY_MS)
      }
      const pass = async (ms: number): Promise<void> => {
        for (let passed = 0; passed < ms; passed += TICK_MS) {
          for (const client of idle.splice(0, FLOOD_PER_MS)) void flood(client)
          if (passed % 100 === 5) void askKnown(`/${clock.now()}`)
          // In the middle of the others.
          const due = [...waiting].filter(([, from]) => passed % 10 === 5 && clock.now() >= from)
          for (const [client] of due) void come(client)
          await clock.pass(TICK_MS)
        }
      }
      await pass(1000)
      for (let client = 0; client < NEWCOMERS; client += 1)
        waiting.set(client, clock.now() + client * 10)
      await pass(4000)
      const got = admitted
      idle.splice(0)
      waiting.clear()
      await clock.pass(10_000)
      admitted = got
    },
  )
  expect(known).toEqual(new Set([true]))
  return admitted
}

describe('in a flood from 3,000 clients', () => {
  const clientAddress = (request: Request): string | undefined =>
    request.headers.get('x-address') ?? undefined

  it.each(Object.entries(FROM))(
    'with %s, a known token gets in each time, and at least 54 of 60 new good ones within 4 seconds',
    async (_from, addressOf) => {
      expect(await countAdmitted(addressOf, { context: { clientAddress } })).toBeGreaterThanOrEqual(
        54,
      )
    },
  )
})
