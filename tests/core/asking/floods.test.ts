import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createAuthenticator, memoryCache } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import {
  ALLOWED,
  closeServersAfterAll,
  guard,
  run,
  runHttp,
  WAYS,
} from '../../support/socket-endpoint.ts'
import type { ServerResponse } from 'node:http'
import type { Running } from '../../support/socket-endpoint.ts'

/** Many clients at once, over real sockets. */

closeServersAfterAll()

describe.each(WAYS)('over %s', { tags: ['slow'] }, (_name, { plain }) => {
  it('500 clients of an endpoint that hangs hold at most 64 sockets, and cache hits go on', async () => {
    // A quarter of the 64 calls is for known tokens.
    const UNKNOWN = 48
    // Node's fetch may keep an idle connection or two beside those in use.
    const SPARE = 4
    let isHanging = false
    let held = 0
    let mostHeld = 0
    const { url, sockets } = await runHttp((_request, response) => {
      if (!isHanging) return response.end('{}')
      held += 1
      mostHeld = Math.max(mostHeld, held)
      return response.on('close', () => {
        held -= 1
      })
    })
    const ask = guard({
      ...plain,
      endpoint: url,
      timeoutMs: 5000,
      circuitBreaker: false,
      context: { headers: [] },
      cache: memoryCache({ allowTtlMs: 600_000 }),
    })
    expect(await ask('cached')).toMatchObject(ALLOWED)
    isHanging = true
    const clients = Array.from({ length: 500 }, (_, index) => ask(`token-${index}`))
    await expect.poll(() => mostHeld, { interval: 5, timeout: 10_000 }).toBe(UNKNOWN)
    expect(await ask('cached')).toMatchObject({ status: 200, attempts: 0 })
    expect(mostHeld).toBe(UNKNOWN)
    expect(sockets.peak).toBeLessThanOrEqual(64 + SPARE)

    // A check that waits for a place is rejected when too little time is left for a call.
    for (const { code } of await Promise.all(clients)) {
      expect(['timeout', 'overloaded']).toContain(code)
    }
    // Node's fetch replaces each connection that it aborted by a spare one for some seconds.
    expect(sockets.peak).toBeLessThanOrEqual(2 * 64 + SPARE)
  }, 30_000)

  const KNOWN = ['alice', 'bob', 'carol']

  /** An endpoint that allows three tokens, and answers any other as it is told. */
  function runKnowing(answerOther: (response: ServerResponse) => unknown): Promise<Running> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      request.on('end', () => {
        const { api_key: token } = JSON.parse(body) as { api_key: string }
        if (!KNOWN.includes(token)) return answerOther(response)
        return setTimeout(() => response.end(), 20)
      })
    })
    server.keepAliveTimeout = 60_000
    return run(server)
  }

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['denies them', (response) => setTimeout(() => response.writeHead(401).end(), 20)],
    ['never answers them', () => undefined],
    ['hangs up on them', (response) => response.destroy()],
  ])(
    'a flood of random tokens rejects no token that was allowed before, when the endpoint %s',
    async (_what, answerOther) => {
      const { url } = await runKnowing(answerOther)
      const authenticate = createAuthenticator({
        ...plain,
        endpoint: url,
        // On a busy machine a call may take long. The flood does not cause that.
        timeoutMs: 4000,
        concurrency: { maxInFlight: 8, maxWaiting: 16 },
      })
      const ask = async (token: string): Promise<string> => {
        const result = await authenticate(get('/', token))
        return result.ok ? 'allow' : result.reason
      }
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
