import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import { send } from '../runtimes/support/http.ts'
import { node } from './support/start.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import type { HttpResponse } from '../runtimes/support/http.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'

describe('a wrapper below a mount point of Express (Hono CVE-2026-47676)', () => {
  let endpoint: AuthEndpoint
  let server: RunningServer

  beforeAll(async () => {
    endpoint = await startAuthEndpoint()
    const env = { AUTH_ENDPOINT: endpoint.url }
    server = await node('express-mounted.js')(inject('app'), env)
  })
  beforeEach(() => {
    endpoint.received.length = 0
  })
  afterAll(async () => {
    await server.stop()
    await endpoint.close()
  })

  const ask = (target: string, key?: string): Promise<HttpResponse> =>
    send(server.url, {
      target,
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    })

  const told = (): unknown[] =>
    endpoint.received.map(({ body }) => (JSON.parse(body) as { request: unknown }).request)

  it('asks about the whole path, and the routes see the rest of it', async () => {
    expect(await ask('/api/notes?a=1', TOKEN)).toMatchObject({
      status: 200,
      body: '/notes?a=1 of /api/notes?a=1',
    })
    expect(told()).toMatchObject([{ path: '/api/notes', params: { a: '1' } }])
  })

  it('compares public paths with the whole path', async () => {
    expect(await ask('/api/open/x')).toMatchObject({ status: 200 })
    expect(told()).toEqual([])
  })

  it.each([
    '/api/notes',
    '/api/open',
    '/api/open/',
    '/api/open/;',
    '/API/open/x',
    '/api/api/open/x',
    '/api//open/x',
    '/api/%6fpen%2fx',
    '/api/open/%2e%2e/notes',
    '/api/open/..%2fnotes',
    '//api/open/x',
    '/open/x',
  ])('rejects %s without a key', async (target) => {
    const before = server.printed().split('HANDLER').length
    const { status } = await ask(target)
    expect([400, 401, 404]).toContain(status)
    expect(server.printed().split('HANDLER')).toHaveLength(before)
  })
})
