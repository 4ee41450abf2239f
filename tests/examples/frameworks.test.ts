import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import * as express from '../../src/express.ts'
import * as fastify from '../../src/fastify.ts'
import { mockEndpoint } from '../../src/testing.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { head, sendRaw } from '../support/raw-client.ts'
import { TOKEN } from '../support/token.ts'
import {
  createFastify,
  EXPRESS,
  FRAMEWORKS,
  listenBy,
  serveApp,
  watch,
} from './support/frameworks.ts'
import type { IncomingMessage } from 'node:http'
import type { AuthConfig, Denial } from '../../src/index.ts'

const BEARER = { authorization: `Bearer ${TOKEN}` }

/** A config with an endpoint that knows one token. */
function prepare(options: AuthConfig = {}) {
  const endpoint = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
  return { ...endpoint, guard: { endpoint: endpoint.url, fetch: endpoint.fetch, ...options } }
}

/** A rejection with its usual headers, and two cookies. */
function withCookies({ status, retryAfterMs = 0 }: Denial): Response {
  const headers = new Headers([
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['retry-after', String(retryAfterMs / 1000)],
  ])
  return new Response(null, { status, headers })
}

describe.each(FRAMEWORKS)('auth of %s', (_name, serve) => {
  it('names the caller, and leaves the body to the parser', async () => {
    const url = await serve([{ guard: prepare().guard }])
    const headers = { ...BEARER, 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: '{"text":"hello"}' })
    const alice = { principal: 'alice', attributes: {} }
    expect(await response.json()).toEqual({ in: true, auth: alice, body: { text: 'hello' } })
  })

  it('answers a rejection by itself: no handler, no parser and no error handler runs, and there is no 404', async () => {
    const seen = watch()
    const cors = { header: ['access-control-allow-origin', '*'] } as const
    const url = await serve([cors, { guard: prepare().guard }], seen)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: '{' })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: {
        message: 'Missing or invalid Authorization header',
        type: 'authentication_error',
        code: 'missing_credentials',
      },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': expect.stringMatching(/^application\/json(?:; charset=utf-8)?$/),
      'cache-control': 'no-store',
      'www-authenticate': 'Bearer realm="api"',
      'access-control-allow-origin': '*',
    })
    const withoutBody = await fetch(url, { method: 'HEAD' })
    expect([withoutBody.status, await withoutBody.text()]).toEqual([401, ''])
    expect([seen.handler.mock.calls, seen.onError.mock.calls]).toEqual([[], []])
  })

  it.each<AuthConfig>([{ public: ['/notes'] }, { mode: 'shadow' }])(
    'overwrites an auth that came from elsewhere, also where no token is needed: %j',
    async (options) => {
      const forge = (request: object): unknown =>
        Object.defineProperty(request, 'auth', { get: () => 'root', configurable: true })
      const { guard } = prepare({ ...options, onEvent: () => undefined })
      const response = await fetch(await serve([{ run: forge }, { guard }]))
      expect(await response.json()).toMatchObject({ in: true, auth: null })
    },
  )

  it('gives no identity while it waits for the decision', async () => {
    const seen: unknown[] = []
    let request: object = {}
    const forge = (made: object): void => void (request = Object.assign(made, { auth: 'root' }))
    const { guard } = prepare({
      fetch: async () => {
        seen.push(Reflect.get(request, 'auth'))
        return new Response(null, { status: 401 })
      },
    })
    const url = await serve([{ run: forge }, { guard }])
    expect((await fetch(url, { headers: BEARER })).status).toBe(401)
    expect([
      seen.map((auth) => auth ?? undefined),
      Reflect.get(request, 'auth') ?? undefined,
    ]).toEqual([[undefined], undefined])
  })

  it.each([
    ['127.0.0.0/8', 200],
    ['10.0.0.0/8', 403],
  ])(
    'answers a proxy that proves itself by its address, if it must be in %s, with %i',
    async (network, status) => {
      const guard = {
        ...fromUpstream({ principalHeader: 'x-user', proof: { addresses: [network] } }),
        context: {
          clientAddress: (_request: Request, incoming: IncomingMessage) =>
            incoming.socket.remoteAddress,
        },
      }
      const response = await fetch(await serve([{ guard }]), { headers: { 'x-user': 'alice' } })
      expect(response.status).toBe(status)
    },
  )

  it('sends the status and the headers of an outage, and each cookie of `respond`', async () => {
    const options = { unavailableStatus: 503, retry: false, respond: withCookies } as const
    const { guard, respondWith } = prepare(options)
    const url = await serve([{ guard }])
    const denied = await fetch(url, { headers: { authorization: 'Bearer other' } })
    expect([denied.status, denied.headers.getSetCookie()]).toEqual([401, ['a=1', 'b=2']])
    respondWith(500)
    const response = await fetch(url, { headers: BEARER })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })

  it('rejects with the status alone if the body of `respond` breaks off', async () => {
    const pull = (controller: ReadableStreamDefaultController): void =>
      controller.error(new Error('broken'))
    const respond = (): Response => new Response(new ReadableStream({ pull }), { status: 401 })
    const seen = watch()
    const response = await fetch(await serve([{ guard: prepare({ respond }).guard }], seen))
    expect([response.status, await response.text()]).toEqual([401, ''])
    expect([seen.handler.mock.calls, seen.onError.mock.calls]).toEqual([[], []])
  })

  it('keeps silent if other middleware has answered a rejected request', async () => {
    const decided = vi.fn<() => void>()
    const { guard } = prepare({
      fetch: async () => {
        await sleep(50)
        return new Response(null, { status: 401 })
      },
      onEvent: decided,
    })
    const seen = watch()
    const url = await serve([{ answers: 'late' }, { guard }], seen)
    expect(await (await fetch(url, { headers: BEARER })).text()).toBe('late')
    await expect.poll(() => decided).toHaveBeenCalled()
    await sleep(20)
    expect([seen.handler.mock.calls, seen.onError.mock.calls]).toEqual([[], []])
  })
})

it.each([4, 5] as const)(
  'a router of Express %i is asked about by the whole path (Hono CVE-2026-47676)',
  async (version) => {
    const { guard, questions } = prepare({ public: ['/api/open/*'] })
    const handler = vi.fn<() => void>()
    const router = EXPRESS[version].Router()
    router.use(express.auth(guard), (req, res) => {
      handler()
      res.end(req.url)
    })
    const app = EXPRESS[version]().use('/api', router).use('/api/open', router)
    const url = await serveApp(app)
    expect((await fetch(`${url}/api/open/x`)).status).toBe(200)
    expect(await (await fetch(`${url}/api/notes?a=1`, { headers: BEARER })).text()).toBe(
      '/notes?a=1',
    )
    expect(questions.map(({ request }) => request)).toMatchObject([
      { path: '/api/notes', params: { a: '1' } },
    ])
    const port = Number(new URL(url).port)
    handler.mockClear()
    for (const target of [
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
    ]) {
      const answer = await sendRaw(port, head(`GET ${target}`, 'Host: a', 'Connection: close'))
      expect([target, answer]).toEqual([target, expect.stringMatching(/^HTTP\/1\.1 40[014] /)])
    }
    expect(handler).not.toHaveBeenCalled()
  },
)

describe('in Fastify', () => {
  it('decides about the target that is routed, and not about the one before rewriteUrl', async () => {
    const handler = vi.fn(() => 'secret')
    const app = createFastify({ rewriteUrl: () => '/admin' })
    app.addHook('onRequest', fastify.auth({ endpoint: 'http://127.0.0.1:1', public: ['/open'] }))
    app.all('/admin', handler)
    expect((await fetch(`${await listenBy(app)}/open`)).status).toBe(401)
    expect(handler).not.toHaveBeenCalled()
  })

  it('guards the routes of its plugin, and asks about the whole path', async () => {
    const { guard, questions } = prepare()
    const app = createFastify()
    app.all('/healthz', () => 'ok')
    app.register(
      async (inner) => {
        inner.addHook('onRequest', fastify.auth(guard))
        inner.all('/notes', () => 'notes')
      },
      { prefix: '/v1' },
    )
    const url = await listenBy(app)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/v1/notes`)).status).toBe(401)
    expect(await (await fetch(`${url}/v1/notes`, { headers: BEARER })).text()).toBe('notes')
    expect(questions.map(({ request }) => request.path)).toEqual(['/v1/notes'])
  })
})
