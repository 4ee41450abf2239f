import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import * as express from '../src/express.ts'
import * as fastify from '../src/fastify.ts'
import { startEndpointWithKeys } from './support/auth-endpoint.ts'
import { allow, watchConsole } from './support/route-checks.ts'
import { run } from './support/tcp-endpoint.ts'
import { TOKEN } from './support/token.ts'
import type { AuthMiddleware, AuthRequest } from '../src/express.ts'

/** The guards of Express and Fastify on Node's own server. `tests/examples` runs them in the real frameworks. */

const BEARER = { authorization: `Bearer ${TOKEN}` }
const BOB = { principal: 'bob', attributes: { roles: ['editor'] } }
const EDITOR = { roles: ['editor'] }
const ADMIN = { roles: ['admin'] }
const ROOT = { principal: 'root', attributes: { roles: ['admin'] } }
const forge: AuthMiddleware = (req, _res, next) => {
  Object.defineProperty(req, 'auth', { get: () => ROOT, configurable: true })
  next()
}

/** A hook as middleware, with the parts of Fastify that it uses. The request of Node stands for that of Fastify too. */
function inFastify(hook: fastify.AuthHook): AuthMiddleware {
  return (req, res, next) => {
    const reply = {
      code: (status: number) => (res.statusCode = status),
      headers: (values: object) => res.setHeaders(new Map(Object.entries(values))),
      send: (body: unknown) => res.end(body),
    }
    // Fastify goes on after a hook that does not return the reply.
    const goOn = (answered: unknown): void => (answered === reply ? undefined : next())
    void hook(Object.assign(req, { raw: req }), reply).then(goOn)
  }
}

/** Serves these steps, and then a handler that shows the caller. Returns a function that asks, with a token by default. */
async function serve(...steps: readonly AuthMiddleware[]) {
  const handler = vi.fn<(req: AuthRequest) => void>()
  const server = createServer((req: AuthRequest, res) => {
    const proceed = ([step, ...others]: readonly AuthMiddleware[]): void => {
      if (step !== undefined) return step(req, res, () => proceed(others))
      handler(req)
      res.end(JSON.stringify(req.auth ?? null))
    }
    proceed(steps)
  })
  const { port } = await run(server)
  const ask = async (headers: Record<string, string> = BEARER) => {
    const response = await fetch(`http://127.0.0.1:${port}/notes`, { headers })
    return { response, status: response.status, body: JSON.parse(await response.text()) as unknown }
  }
  return { ask, handler }
}

describe.each([
  ['with-auth/express', express.auth, express.access],
  [
    'with-auth/fastify',
    (...args: Parameters<typeof fastify.auth>) => inFastify(fastify.auth(...args)),
    (...args: Parameters<typeof fastify.access>) => inFastify(fastify.access(...args)),
  ],
])('%s', (_name, auth, access) => {
  it('goes on with the caller after an allow, and answers every other request itself', async () => {
    const endpoint = await startEndpointWithKeys({ [TOKEN]: BOB })
    const { ask, handler } = await serve(auth({ endpoint: endpoint.url }))
    expect(await ask()).toMatchObject({ status: 200, body: BOB })
    expect(handler).toHaveBeenCalledOnce()
    for (const [headers, code] of [
      [{}, 'missing_credentials'],
      [{ authorization: 'Bearer bad' }, 'denied'],
    ] as const) {
      const { response, ...answer } = await ask(headers)
      expect(answer).toMatchObject({ status: 401, body: { error: { code } } })
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="api"/)
    }
    expect(handler).toHaveBeenCalledOnce()
    expect(endpoint.asked).toEqual([TOKEN, 'bad'])
    await endpoint.close()
  })

  it('shows no caller before the decision, and none that came from elsewhere', async () => {
    let request: AuthRequest | undefined
    const keep: AuthMiddleware = (req, res, next) => forge((request = req), res, next)
    const seen: unknown[] = []
    const verifier = async () => {
      seen.push(request?.auth)
      return { outcome: 'deny' } as const
    }
    const { ask } = await serve(keep, auth({ verifier, public: ['/open'] }))
    expect(await ask()).toMatchObject({ status: 401 })
    expect([...seen, request?.auth]).toEqual([undefined, undefined])
    const open = await serve(forge, auth({ verifier, public: ['/notes'] }))
    expect(await open.ask()).toMatchObject({ status: 200, body: null })
  })

  it('sets a property that the application may change, like any other of a request', async () => {
    const { ask, handler } = await serve(auth(allow(BOB)))
    await ask()
    const [[request] = []] = handler.mock.calls
    expect(Object.getOwnPropertyDescriptor(request, 'auth')).toEqual({
      value: BOB,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })

  it('lets callers pass who have what is needed, and answers 403 to others', async () => {
    const editors = await serve(auth(allow(BOB)), access(EDITOR))
    expect(await editors.ask()).toMatchObject({ status: 200, body: BOB })
    const admins = await serve(auth(allow(BOB)), forge, access(ADMIN))
    expect(await admins.ask()).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden' } },
    })
    expect(admins.handler).not.toHaveBeenCalled()
  })

  it('rejects at access() what no guard has admitted, and says what to do', async () => {
    const error = watchConsole()
    const { ask, handler } = await serve(forge, access(ADMIN), auth(allow(ROOT)))
    const body = { error: { code: 'not_configured' } }
    expect(await ask()).toMatchObject({ status: 500, body })
    expect(handler).not.toHaveBeenCalled()
    expect(error).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining(
        'Put auth() of with-auth/express or with-auth/fastify before access()',
      ),
    )
  })

  it('keeps the caller of the guard that enforces behind one in shadow mode', async () => {
    const shadow = auth({
      verifier: () => ({ outcome: 'deny' }),
      mode: 'shadow',
      onEvent: () => undefined,
    })
    const { ask } = await serve(auth(allow(BOB)), shadow, access(EDITOR))
    expect(await ask()).toMatchObject({ status: 200, body: BOB })
  })
})

it.each([
  ['Express cuts a path, and the whole is decided about', express.auth, '/admin', '/open'],
  [
    'Fastify routes the path after rewriteUrl, and that is decided about',
    (...args: Parameters<typeof fastify.auth>) => inFastify(fastify.auth(...args)),
    '/open',
    '/admin',
  ],
])('%s', async (_name, auth, originalUrl, url) => {
  const rewrite: AuthMiddleware = (req, _res, next) => {
    Object.assign(req, { originalUrl, url })
    next()
  }
  const { ask, handler } = await serve(rewrite, auth(allow(BOB, { public: ['/open'] })))
  expect(await ask({})).toMatchObject({ status: 401 })
  expect(handler).not.toHaveBeenCalled()
})

it('Express gets no second answer where other middleware has sent one in the meantime', async () => {
  const decided = vi.fn<() => void>()
  let deny = (): void => undefined
  const isDenied = new Promise<void>((resolve) => (deny = resolve))
  const verifier = () => isDenied.then(() => ({ outcome: 'deny' as const }))
  const answer: AuthMiddleware = (_req, res, next) => {
    next()
    res.end('"late"')
  }
  const { ask, handler } = await serve(answer, express.auth({ verifier, onEvent: decided }))
  expect(await ask()).toMatchObject({ status: 200, body: 'late' })
  deny()
  await expect.poll(() => decided).toHaveBeenCalled()
  // Vitest fails a run with an uncaught error.
  await sleep(20)
  expect(handler).not.toHaveBeenCalled()
})
