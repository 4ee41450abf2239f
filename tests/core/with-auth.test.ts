import { Hono } from 'hono'
import { HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { withAuth } from '../../src/core/with-auth.ts'
import type { AuthConfig } from '../../src/index.ts'
import { ENDPOINT, setupEndpoint } from '../support/msw-endpoint.ts'
import { get } from '../support/requests.ts'

const endpoint = setupEndpoint()
const config = { endpoint: ENDPOINT, public: ['/open'] }
const allow = (): Response => HttpResponse.json({})

describe('a guarded function', () => {
  it('calls the handler with the same Request, arguments and this, and returns what it returns', async () => {
    endpoint.answer(allow)
    const returned = new Response('mine')
    const handler = vi.fn(function handler(this: unknown, _request: Request, ..._args: unknown[]) {
      return returned
    })
    const request = get('/a', 'k1')
    const [env, ctx, server] = [{}, {}, { server: 1 }]
    const result = await withAuth(handler, config).call(server, request, env, ctx)
    expect(result).toBe(returned)
    expect(handler).toHaveBeenCalledOnce()
    expect(handler.mock.contexts).toEqual([server])
    const args = handler.mock.calls[0] ?? []
    expect([args[0] === request, args[1] === env, args[2] === ctx, args.length]).toEqual([
      true,
      true,
      true,
      3,
    ])
  })

  it('returns no promise if the decision is synchronous', () => {
    const response = new Response('open')
    expect(withAuth(() => response, config)(get('/open'))).toBe(response)
    expect(withAuth(() => undefined, config)(get('/open'))).toBeUndefined()
    expect(withAuth(() => response, config)(get('/a'))).toBeInstanceOf(Response)
  })

  it.each(['/open', '/a'])('passes on what the handler throws, on %s', async (path) => {
    endpoint.answer(allow)
    const handler = vi.fn((_request: Request): Response => {
      throw new RangeError('mine')
    })
    const guarded = withAuth(handler, config)
    await expect((async () => guarded(get(path, 'k1')))()).rejects.toThrow('mine')
    expect(handler).toHaveBeenCalledOnce()
    const rejecting = vi.fn(() => Promise.reject(new RangeError('mine too')))
    await expect(withAuth(rejecting, config)(get(path, 'k1'))).rejects.toThrow('mine too')
    expect(rejecting).toHaveBeenCalledOnce()
  })

  it('is its own fetch, so that it serves as a default export', () => {
    const guarded = withAuth(() => new Response('secret'), config)
    expect(guarded.fetch).toBe(guarded)
    expect(Object.keys(guarded)).toEqual(['fetch'])
  })
})

describe('the 401 of a request without one readable token', () => {
  const header = { header: 'X-Api-Key' } as const
  const all = ['bearer', header, { cookie: 'sid' }, { webSocketProtocol: 'key.' }] as const
  const names = 'Authorization header, x-api-key header, sid cookie or WebSocket protocol key.*'

  /** The code and the message that the client reads. */
  async function rejected(
    credentials: NonNullable<AuthConfig['credentials']>,
    headers: Record<string, string>,
  ): Promise<unknown> {
    const guarded = withAuth(() => new Response(), { endpoint: ENDPOINT, credentials })
    const response = await guarded(get('/', undefined, headers))
    expect(response.status).toBe(401)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    return `${error.code}: ${error.message}`
  }

  it.each<[string, NonNullable<AuthConfig['credentials']>, Record<string, string>]>([
    ['missing_credentials: Missing or invalid Authorization header', 'bearer', {}],
    [
      'malformed_credentials: Missing or invalid Authorization header',
      ['bearer'],
      { authorization: 'Bearer k1 k2' },
    ],
    [
      'malformed_credentials: Missing or invalid Authorization header',
      'bearer',
      { authorization: 'Bearer k1, Bearer k2' },
    ],
    ['missing_credentials: Missing x-api-key header', header, { authorization: 'Bearer k1' }],
    ['malformed_credentials: Invalid x-api-key header', header, { 'x-api-key': 'Bearer k1' }],
    ['missing_credentials: Missing sid cookie', { cookie: 'sid' }, { cookie: 'a=b' }],
    ['malformed_credentials: Invalid sid cookie', { cookie: 'sid' }, { cookie: 'sid=a; sid=b' }],
    [
      'missing_credentials: Missing Authorization header or x-api-key header',
      ['bearer', header],
      {},
    ],
    [`missing_credentials: Missing ${names}`, all, {}],
    [`malformed_credentials: Invalid ${names}`, all, { cookie: 'sid=' }],
    [
      'malformed_credentials: The request has two different tokens',
      all,
      { authorization: 'Bearer k1', 'x-api-key': 'k2' },
    ],
  ])('says %s', async (message, credentials, headers) => {
    expect(await rejected(credentials, headers)).toBe(message)
    expect(endpoint.asked).toEqual([])
  })

  it('does not come for one token in two places: the endpoint is asked once', async () => {
    endpoint.answer(allow)
    const guarded = withAuth(() => new Response(), { endpoint: ENDPOINT, credentials: all })
    const headers = { 'x-api-key': 'k1', cookie: 'sid=k1' }
    expect(await guarded(get('/', 'k1', headers))).toMatchObject({ status: 200 })
    expect(endpoint.asked).toMatchObject([{ body: { api_key: 'k1' } }])
  })
})

describe('a guarded object', () => {
  class App {
    #hits = 0
    port = 3000
    fetch(_request: Request, _env?: object): Response {
      this.#hits += 1
      return new Response(`hit ${this.#hits}`)
    }
    get hits(): number {
      return this.#hits
    }
    scheduled(): string {
      return `scheduled after ${this.#hits}`
    }
  }

  it('is a new one whose fetch asks first, with the right this everywhere', async () => {
    endpoint.answer(allow)
    const app = new App()
    const guarded = withAuth(app, config)
    expect(guarded).not.toBe(app)
    expect(await (await guarded.fetch(get('/a', 'k1'))).text()).toBe('hit 1')
    expect(await guarded.fetch(get('/a'))).toMatchObject({ status: 401 })
    expect({ ...guarded }.fetch).toBe(guarded.fetch)
    expect(guarded.hits).toBe(1)
    expect(guarded.scheduled()).toBe('scheduled after 1')
    expect(guarded.port).toBe(3000)
    expect(await app.fetch(get('/a')).text()).toBe('hit 2')
  })

  it('serves a Hono app by its fetch alone', async () => {
    endpoint.answer(allow)
    const app = new Hono().get('/a', (c) => c.text('secret'))
    const guarded = withAuth(app, config)
    expect(await (await guarded.fetch(get('/a', 'k1'))).text()).toBe('secret')
    expect(await guarded.fetch(get('/a'))).toMatchObject({ status: 401 })
    // @ts-expect-error Functions that throw have no type.
    expect(() => guarded.request('/a')).toThrow('"request" could serve the app without the guard')
    // @ts-expect-error Functions that throw have no type.
    expect(() => guarded.get('/b', () => new Response('late'))).toThrow('"get" could serve')
    expect(guarded.routes).toBe(app.routes)
    const handled = guarded.onError(() => new Response('failed'))
    expect(await handled.fetch(get('/a'))).toMatchObject({ status: 401 })
  })

  it('calls the fetch that the object has at that moment', async () => {
    endpoint.answer(allow)
    const app = { fetch: () => new Response('old') }
    const guarded = withAuth(app, config)
    app.fetch = () => new Response('new')
    expect(await (await guarded.fetch(get('/a', 'k1'))).text()).toBe('new')
    expect(await (await withAuth(Object.freeze(app), config).fetch(get('/a', 'k1'))).text()).toBe(
      'new',
    )
  })

  it('cannot have routes, which Bun answers before fetch', () => {
    const app = {
      routes: { '/a': () => new Response('open') },
      fetch: () => new Response('secret'),
    }
    expect(() => withAuth(app, config)).toThrow('Cannot guard "routes"')
    const { routes, fetch } = app
    expect(() => withAuth({ fetch, static: routes }, config)).toThrow('Cannot guard "static"')
    expect(() => withAuth({ ...app, routes: [] }, config)).not.toThrow()
    expect(() => withAuth({ ...app, routes: undefined }, config)).not.toThrow()
    expect(() => withAuth({ ...app, routes: null }, config)).not.toThrow()
  })
})

it.each([[undefined], [null], ['handler'], [{}], [{ fetch: 'fetch' }], [new Response('')]])(
  'throws for %s, which is not a handler',
  (handler) => {
    expect(() => withAuth(handler as unknown as () => Response, config)).toThrow(
      'Cannot guard the handler: it must be a function or an object with a "fetch" method',
    )
  },
)

it('throws for a class', () => {
  class App {
    fetch(): Response {
      return new Response('secret')
    }
  }
  expect(() => withAuth(App as unknown as () => Response, config)).toThrow('Cannot guard a class')
  const named = { classes: (): Response => new Response('class') }
  const methods = {
    classes(this: void): Response {
      return new Response('secret')
    },
  }
  for (const handler of [named.classes, methods.classes]) {
    expect(() => withAuth(handler, config)).not.toThrow()
  }
})
