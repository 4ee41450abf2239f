import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { auth } from '../../src/fastify.ts'
import { mockEndpoint } from '../../src/testing.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { TOKEN } from '../support/token.ts'
import { createFastify, withCookies } from './support/frameworks.ts'
import type { IncomingMessage } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'
import type { FastifyApp } from './support/frameworks.ts'

const headers = { authorization: `Bearer ${TOKEN}` }

const apps: FastifyApp[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

describe('with-auth/fastify', () => {
  /** An app whose route shows the caller, and whose error handler must stay unused. */
  function prepare(
    options: AuthConfig = {},
    before: (app: FastifyApp) => unknown = () => undefined,
  ) {
    const endpoint = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const guard = auth({ endpoint: endpoint.url, fetch: endpoint.fetch, ...options })
    const handler = vi.fn()
    const onError = vi.fn()
    const app = createFastify()
    apps.push(app)
    before(app)
    app.setErrorHandler(onError)
    app.addHook('onRequest', guard)
    app.all('/*', (request) => {
      handler()
      return { auth: request.auth ?? null, body: request.body ?? null }
    })
    return { ...endpoint, app, guard, handler, onError }
  }

  it('sets request.auth, and leaves the body to Fastify', async () => {
    const { app } = prepare()
    const call = { method: 'POST', url: '/v1/notes', headers, payload: { text: 'hello' } }
    const alice = { principal: 'alice', attributes: {} }
    expect(JSON.parse((await app.inject(call)).body)).toEqual({ auth: alice, body: call.payload })
  })

  it('decides about the target that Fastify routes, and not about the one before rewriteUrl', async () => {
    const handler = vi.fn(() => 'secret')
    const app = createFastify({ rewriteUrl: () => '/admin' })
    apps.push(app)
    app.addHook('onRequest', auth({ endpoint: 'http://127.0.0.1:1', public: ['/open'] }))
    app.all('/admin', handler)
    expect((await app.inject({ url: '/open' })).statusCode).toBe(401)
    expect(handler).not.toHaveBeenCalled()
  })

  it('lets a proxy in by the address of its connection', async () => {
    for (const [network, status] of [
      ['127.0.0.0/8', 200],
      ['10.0.0.0/8', 403],
    ] as const) {
      const app = createFastify({ rewriteUrl: () => '/notes' })
      apps.push(app)
      const guard = auth({
        ...fromUpstream({ principalHeader: 'x-user', proof: { addresses: [network] } }),
        context: {
          clientAddress: (_request, incoming: IncomingMessage) => incoming.socket.remoteAddress,
        },
      })
      app.addHook('onRequest', guard)
      app.all('/notes', ({ auth: caller }) => ({ caller }))
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      const response = await fetch(url, { headers: { 'x-user': 'alice' } })
      expect(response.status).toBe(status)
    }
  })

  it('answers a rejection by itself: no handler and no error handler runs, and no 404', async () => {
    const { app, handler, onError } = prepare({}, (one) => {
      one.addHook('onRequest', async (_request, reply: { header(...field: string[]): void }) => {
        reply.header('access-control-allow-origin', '*')
      })
    })
    const response = await app.inject({ url: '/v1/notes' })
    expect(response).toMatchObject({
      statusCode: 401,
      headers: {
        'content-type': expect.stringMatching(/^application\/json/),
        'cache-control': 'no-store',
        'www-authenticate': 'Bearer realm="api"',
        'access-control-allow-origin': '*',
      },
    })
    expect(JSON.parse(response.body)).toEqual({
      error: {
        message: 'Missing or invalid Authorization header',
        type: 'authentication_error',
        code: 'missing_credentials',
      },
    })
    const head = await app.inject({ method: 'HEAD', url: '/' })
    expect([head.statusCode, head.body]).toEqual([401, ''])
    expect([handler.mock.calls, onError.mock.calls]).toEqual([[], []])
  })

  it('overwrites a request.auth that came from elsewhere, also where no token is needed', async () => {
    for (const options of [{ public: ['/open'] }, { mode: 'shadow' as const }]) {
      const { app } = prepare({ ...options, onEvent: () => undefined }, (one) => {
        one.decorateRequest('auth', { getter: () => 'root' })
      })
      const response = await app.inject({ url: '/open' })
      expect(JSON.parse(response.body)).toEqual({ auth: null, body: null })
    }
  })

  it('guards the routes of its plugin, and asks about the whole path', async () => {
    const endpoint = mockEndpoint({ [TOKEN]: {} })
    const app = createFastify()
    apps.push(app)
    app.all('/healthz', () => 'ok')
    app.register(
      async (inner) => {
        inner.addHook('onRequest', auth({ endpoint: endpoint.url, fetch: endpoint.fetch }))
        inner.all('/notes', () => 'notes')
      },
      { prefix: '/v1' },
    )
    expect((await app.inject({ url: '/healthz' })).statusCode).toBe(200)
    expect((await app.inject({ url: '/v1/notes' })).statusCode).toBe(401)
    expect((await app.inject({ url: '/v1/notes', headers })).body).toBe('notes')
    expect(endpoint.questions.map(({ request }) => request.path)).toEqual(['/v1/notes'])
  })

  it('sends the status and the headers of an outage, and each cookie of `respond`', async () => {
    const { app, respondWith } = prepare({
      unavailableStatus: 503,
      retry: false,
      respond: withCookies,
    })
    const wrong = { authorization: 'Bearer other' }
    expect(await app.inject({ url: '/', headers: wrong })).toMatchObject({
      statusCode: 401,
      headers: { 'set-cookie': ['a=1', 'b=2'] },
      body: '',
    })
    respondWith(500)
    expect(await app.inject({ url: '/', headers })).toMatchObject({
      statusCode: 503,
      headers: { 'retry-after': '1' },
    })
  })

  it('rejects with the status alone if the body of `respond` breaks off', async () => {
    const pull = (controller: ReadableStreamDefaultController): void =>
      controller.error(new Error('broken'))
    const respond = (): Response => new Response(new ReadableStream({ pull }), { status: 401 })
    const { app, handler, onError } = prepare({ respond })
    expect(await app.inject({ url: '/' })).toMatchObject({ statusCode: 401, body: '' })
    expect([handler.mock.calls, onError.mock.calls]).toEqual([[], []])
  })

  it('changes nothing if another hook has answered a rejected request', async () => {
    const wait = async (): Promise<Response> => {
      await sleep(50)
      return new Response(null, { status: 401 })
    }
    const { app, handler, onError } = prepare({ fetch: wait }, (one) => {
      one.addHook('onRequest', async (_request, reply: { send(text: string): void }) => {
        setTimeout(() => reply.send('late'), 10)
      })
    })
    expect((await app.inject({ url: '/', headers })).body).toBe('late')
    await sleep(100)
    expect([handler.mock.calls, onError.mock.calls]).toEqual([[], []])
  })
})
