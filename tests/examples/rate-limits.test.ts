import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import { node, srvx } from './support/start.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'
import type { EndpointWithKeys } from '../support/auth-endpoint.ts'

const [engine] = ENGINES
const CALLERS = {
  a1: 'alice',
  a2: 'alice',
  b1: 'bob',
  t1: { principal: 'alice', tenant: 'acme' },
  'nameless-k1': {},
  'nameless-k2': {},
}
const SERVERS = [
  ['hono.js', srvx('rate-limits/hono.js')],
  ['express.js', node('rate-limits/express.js')],
  ['fastify.js', node('rate-limits/fastify.js')],
] as const

let endpoint: EndpointWithKeys
beforeAll(async () => {
  endpoint = await startEndpointWithKeys(CALLERS)
})
afterAll(() => endpoint.close())

async function call(server: RunningServer, authorization: string): Promise<Response> {
  return fetch(`${server.url}/v1/notes`, { headers: { authorization } })
}

/** The statuses of calls one after the other, each with its credentials. */
async function statuses(server: RunningServer, ...all: readonly string[]): Promise<number[]> {
  const seen: number[] = []
  for (const authorization of all) seen.push((await call(server, authorization)).status)
  return seen
}

const times = (count: number, text: string): string[] => Array.from({ length: count }, () => text)

describe.each(SERVERS)('examples/rate-limits/%s', (_file, start) => {
  it('counts each caller apart, whatever its keys are, and the nameless by their token', async () => {
    const server = await start(inject('app'), { AUTH_ENDPOINT: endpoint.url })
    const alice = [...times(5, 'Bearer a1'), ...times(6, 'Bearer a2')]
    expect(await statuses(server, ...alice)).toEqual([...Array<number>(10).fill(200), 429])
    const limited = await call(server, 'Bearer a1')
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await statuses(server, 'Bearer b1', 'Bearer t1', 'Bearer wrong')).toEqual([
      200, 200, 401,
    ])
    const nameless = [...times(10, 'Bearer nameless-k1'), 'bearer   nameless-k1']
    expect((await statuses(server, ...nameless)).at(-1)).toBe(429)
    expect((await call(server, 'Bearer nameless-k2')).status).toBe(200)
    await server.stop()
  })

  it.skipIf(engine === undefined)(
    'counts in Redis for all processes, without a token there, and rejects while it is down',
    async () => {
      const redis = await startEngine(engine ?? 'redis')
      const env = { AUTH_ENDPOINT: endpoint.url, REDIS_URL: redis.url }
      const servers = await Promise.all([1, 2].map(() => start(inject('app'), env)))
      const [one, two] = servers as [RunningServer, RunningServer]
      await statuses(one, ...times(5, 'Bearer a1'), 'Bearer nameless-k1')
      expect(await statuses(two, ...times(6, 'Bearer a2'))).toEqual([
        ...Array<number>(5).fill(200),
        429,
      ])
      expect((await call(one, 'Bearer a1')).status).toBe(429)
      const keys = execFileSync('redis-cli', ['-p', `${redis.port}`, 'keys', '*']).toString()
      expect(keys).toMatch(/^limit:.*principal::alice$/m)
      expect(keys).toMatch(/^limit:.*token:[\da-f]{64}$/m)
      expect(keys).not.toContain('nameless')
      await redis.kill()
      expect((await call(one, 'Bearer b1')).status).toBe(500)
      await Promise.all(servers.map((server) => server.stop()))
      await redis.stop()
    },
  )
})
