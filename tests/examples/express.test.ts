import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { auth } from '../../src/express.ts'
import { mockEndpoint } from '../../src/testing.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { close, listen } from '../support/loopback.ts'
import { TOKEN } from '../support/token.ts'
import { EXPRESS, withCookies } from './support/frameworks.ts'
import type { IncomingMessage, Server } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'
import type { ExpressApp } from './support/frameworks.ts'

const BEARER = { authorization: `Bearer ${TOKEN}` }
const JSON_BODY = {
  method: 'POST',
  headers: { ...BEARER, 'content-type': 'application/json' },
  body: '{"text":"hello"}',
}

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
})

describe.each([4, 5] as const)('with-auth/express in Express %i', (version) => {
  const express = EXPRESS[version]

  /** An app whose last handler shows the caller, and whose error handler must stay unused. */
  function prepare(options: AuthConfig = {}) {
    const endpoint = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const guard = auth({ endpoint: endpoint.url, fetch: endpoint.fetch, ...options })
    const handler = vi.fn((req: { auth?: unknown; body?: unknown }) => req)
    const onError = vi.fn()
    const serve = async (build: (app: ExpressApp) => unknown): Promise<string> => {
      const app = express()
      build(app)
      app.use((req, res) => {
        handler(req)
        res.end(JSON.stringify({ auth: req.auth ?? null, body: req.body ?? null }))
      })
      app.use((error: unknown, _req: unknown, res: { end(): void }, _next: unknown) => {
        onError(error)
        res.end()
      })
      const server = createServer(app)
      servers.push(server)
      return `http://127.0.0.1:${await listen(server)}`
    }
    return { ...endpoint, guard, handler, onError, serve }
  }

  it('sets req.auth, and leaves the body to the parser', async () => {
    const { guard, serve } = prepare()
    const url = await serve((app) => app.use(guard, express.json()))
    const response = await fetch(`${url}/v1/notes`, JSON_BODY)
    const alice = { principal: 'alice', attributes: {} }
    expect(await response.json()).toEqual({ auth: alice, body: { text: 'hello' } })
  })

  it('answers a rejection by itself: no handler, no parser and no error handler runs', async () => {
    const { guard, handler, onError, serve } = prepare()
    const url = await serve((app) =>
      app.use(
        (_req, res, next) => {
          res.setHeader('access-control-allow-origin', '*')
          next()
        },
        guard,
        express.json(),
      ),
    )
    const response = await fetch(url, { ...JSON_BODY, headers: {}, body: '{' })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: {
        message: 'Missing or invalid Authorization header',
        type: 'authentication_error',
        code: 'missing_credentials',
      },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'www-authenticate': 'Bearer realm="api"',
      'access-control-allow-origin': '*',
    })
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([401, ''])
    expect([handler.mock.calls, onError.mock.calls]).toEqual([[], []])
  })

  it('overwrites a req.auth that came from elsewhere, also where no token is needed', async () => {
    for (const options of [{ public: ['/open'] }, { mode: 'shadow' as const }]) {
      const { guard, serve } = prepare({ ...options, onEvent: () => undefined })
      const forge = (req: object, _res: unknown, next: () => void): void => {
        Object.defineProperty(req, 'auth', { get: () => 'root', configurable: true })
        next()
      }
      const url = await serve((app) => app.use(forge, guard))
      const response = await fetch(`${url}/open`)
      expect(await response.json()).toEqual({ auth: null, body: null })
    }
  })

  it('lets a proxy in by the address of its connection', async () => {
    for (const [network, status] of [
      ['127.0.0.0/8', 200],
      ['10.0.0.0/8', 403],
    ] as const) {
      const proof = { addresses: [network] }
      const guard = auth({
        ...fromUpstream({ principalHeader: 'x-user', proof }),
        context: {
          clientAddress: (_request, incoming: IncomingMessage) => incoming.socket.remoteAddress,
        },
      })
      const { serve } = prepare()
      const url = await serve((app) => app.use('/api', guard))
      const response = await fetch(`${url}/api/notes`, { headers: { 'x-user': 'alice' } })
      expect(response.status).toBe(status)
    }
  })

  it('has no req.auth while it waits for the decision', async () => {
    const seen: unknown[] = []
    const { guard, serve } = prepare({
      fetch: async () => {
        seen.push(Reflect.get(Object(requests[0]), 'auth'))
        return new Response(null, { status: 401 })
      },
    })
    const requests: object[] = []
    const forge = (req: object, _res: unknown, next: () => void): void => {
      requests.push(Object.assign(req, { auth: 'root' }))
      next()
    }
    const url = await serve((app) => app.use(forge, guard))
    expect((await fetch(url, { headers: BEARER })).status).toBe(401)
    expect([seen, Reflect.get(Object(requests[0]), 'auth')]).toEqual([[undefined], undefined])
  })

  it('asks about the whole path in a router', async () => {
    const { guard, questions, serve } = prepare({ public: ['/api/open'] })
    const router = express.Router()
    router.use(guard)
    const url = await serve((app) => app.use('/api', router))
    expect((await fetch(`${url}/api/open`)).status).toBe(200)
    expect((await fetch(`${url}/api/notes`, { headers: BEARER })).status).toBe(200)
    expect((await fetch(`${url}/api/api/open`)).status).toBe(401)
    expect(questions.map(({ request }) => request.path)).toEqual(['/api/notes'])
  })

  it('sends the status and the headers of an outage, and each cookie of `respond`', async () => {
    const { guard, respondWith, serve } = prepare({
      unavailableStatus: 503,
      retry: false,
      respond: withCookies,
    })
    const url = await serve((app) => app.use(guard))
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
    const { guard, handler, onError, serve } = prepare({ respond })
    const url = await serve((app) => app.use(guard))
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([401, ''])
    expect([handler.mock.calls, onError.mock.calls]).toEqual([[], []])
  })

  it('keeps silent if another middleware has answered a rejected request', async () => {
    const { guard, handler, serve } = prepare({
      fetch: async () => {
        await sleep(50)
        return new Response(null, { status: 401 })
      },
    })
    const answer = (_req: unknown, res: { end(text: string): void }, next: () => void): void => {
      next()
      res.end('late')
    }
    const url = await serve((app) => app.use(answer, guard))
    expect(await (await fetch(url, { headers: BEARER })).text()).toBe('late')
    await sleep(100)
    expect(handler).not.toHaveBeenCalled()
  })
})
