import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { getAuth, memoryCache, withAuth } from '../../src/index.ts'
import { ENDPOINT } from '../support/msw-endpoint.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthConfig, TransportInit, TransportResponse } from '../../src/index.ts'

/** Attacks on decisions that are cached or shared: each request must get the decision for its own question. */

interface Asked {
  readonly token: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

type Answer = (asked: Asked) => TransportResponse | Promise<TransportResponse>

const allow = (body: unknown = {}): Response => Response.json(body)
const deny = (status = 401): Response => new Response(null, { status })
const times = <Made>(count: number, make: (index: number) => Made): Made[] =>
  Array.from({ length: count }, (_, index) => make(index))
const showPrincipal = (request: Request): Response => new Response(getAuth(request).principal)

/** A wrapper with a cache. Its key has no headers, and its endpoint is a function. */
function guard(answer: Answer, config: AuthConfig = {}, handler = showPrincipal) {
  const asked: Asked[] = []
  const guarded = withAuth(handler, {
    endpoint: ENDPOINT,
    context: { headers: [] },
    cache: memoryCache(),
    fetch: async (_url, init) => {
      const question = readQuestion(init)
      asked.push(question)
      return answer(question)
    },
    ...config,
  })
  const send = async (request: Request): Promise<Response> => guarded(request)
  const statusOf = async (request: Request): Promise<number> => (await send(request)).status
  return { send, statusOf, asked }
}

function readQuestion({ body, signal }: TransportInit): Asked {
  const { api_key: token, request } = JSON.parse(body ?? '') as {
    api_key: string
    request: { path: string; headers: Record<string, string> }
  }
  return { token, path: request.path, headers: request.headers, signal }
}

describe('concurrent requests', () => {
  it('of the same token share a call that outlives each client (nodejs/node#55351)', async () => {
    let release: (response: Response) => void = () => undefined
    const held = new Promise<Response>((resolve) => {
      release = resolve
    })
    const { statusOf, asked } = guard(() => held)
    const clients = times(3, () => new AbortController())
    const requests = clients.map(({ signal }) => new Request(get('/', TOKEN), { signal }))
    const listen = requests.map(({ signal }) => vi.spyOn(signal, 'addEventListener'))
    const statuses = Promise.all([...requests, get('/', TOKEN)].map(statusOf))
    for (const client of clients) client.abort()
    release(allow())
    expect(await statuses).toEqual([200, 200, 200, 200])
    expect(asked).toMatchObject([{ signal: { aborted: false } }])
    for (const spy of listen) expect(spy).not.toHaveBeenCalled()
  })

  it('of different tokens share no call whose time tells who else asks (Traefik CVE-2026-88010)', async () => {
    const { statusOf, asked } = guard(() => allow())
    await Promise.all(times(100, (index) => statusOf(get('/', `token-${index}`))))
    expect(new Set(asked.map(({ token }) => token)).size).toBe(100)
  })

  it('of two users whose fields join to the same text are two (Traefik CVE-2026-71326)', async () => {
    const { send, asked } = guard(
      ({ token, headers }) => allow({ principal: JSON.stringify([token, headers]) }),
      { context: { headers: ['x-a', 'x-b'], path: false } },
    )
    const requests = [
      get('/', 'ab', { 'x-a': 'c', 'x-b': 'd' }),
      get('/', 'a', { 'x-a': 'bc', 'x-b': 'd' }),
      get('/', 'a', { 'x-a': 'b', 'x-b': 'cd' }),
      get('/', 'a', { 'x-a': 'bcd', 'x-b': '' }),
      get('/', 'a', { 'x-a': 'bcd' }),
      get('/', 'a', { 'x-b': 'bcd' }),
      get('/', 'abcd'),
    ]
    const names = await Promise.all(requests.map(async (request) => (await send(request)).text()))
    expect(asked).toHaveLength(requests.length)
    expect(new Set(names).size).toBe(requests.length)
  })

  it(
    'each get their own identity, 300 at once (Hono mixed them up)',
    { tags: ['slow'] },
    async () => {
      const { send } = guard(
        async ({ token }) => {
          await pause((Number(token.slice(6)) * 13) % 50)
          return allow({ principal: `owner of ${token}` })
        },
        // A busy machine must not turn this into a test of the deadline.
        { concurrency: { maxInFlight: 1000 }, timeoutMs: 20_000 },
      )
      const names = await Promise.all(
        times(300, async (index) => (await send(get(`/${index % 7}`, `token-${index}`))).text()),
      )
      expect(names).toEqual(times(300, (index) => `owner of token-${index}`))
    },
  )
})

describe('a cached decision', () => {
  it('for one path is none for another (zmartzone/lua-resty-openidc#399, Ory GHSA-qvp4-rpmr-xwrr)', async () => {
    const { statusOf, asked } = guard(({ path }) => (path === '/read' ? allow() : deny()))
    const statuses: number[] = []
    for (const path of ['/read', '/write', '/read', '/write', '/read/']) {
      statuses.push(await statusOf(get(path, TOKEN)))
    }
    expect(statuses).toEqual([200, 401, 200, 401, 401])
    expect(asked.map(({ path }) => path)).toEqual(['/read', '/write', '/read/'])
  })

  it('for one scope is none for another (zmartzone/lua-resty-openidc#569)', async () => {
    const { statusOf } = guard(
      ({ headers }) => (headers['x-scope'] === 'read' ? allow() : deny()),
      { context: { headers: ['x-scope'] } },
    )
    const statuses: number[] = []
    for (const scope of ['read', 'write', 'read']) {
      statuses.push(await statusOf(get('/', TOKEN, { 'x-scope': scope })))
    }
    expect(statuses).toEqual([200, 401, 200])
  })

  it.each([
    ['of the same endpoint', ENDPOINT],
    ['of two endpoints', 'https://other.example.test/'],
  ])('of one wrapper is none of another, %s (Ory CVE-2026-33496)', async (_what, endpoint) => {
    const one = guard(() => allow())
    const other = guard(() => deny(), { endpoint })
    expect(await one.statusOf(get('/', TOKEN))).toBe(200)
    expect(await other.statusOf(get('/', TOKEN))).toBe(401)
    expect(await one.statusOf(get('/', TOKEN))).toBe(200)
  })

  it.each([
    ['begins', (end: string) => 'a'.repeat(8000) + end],
    ['ends', (start: string) => start + 'a'.repeat(8000)],
  ])('is none for a token that %s alike (LiteLLM CVE-2026-35030)', async (_how, make) => {
    const { statusOf, asked } = guard(({ token }) => (token === make('x') ? allow() : deny()))
    expect(await statusOf(get('/', make('x')))).toBe(200)
    expect(await statusOf(get('/', make('y')))).toBe(401)
    expect(asked).toHaveLength(2)
  })

  it(
    'is none for a question that separators or digits make look alike (fast-jwt GHSA-rp9m-7r4c-75qg)',
    { tags: ['slow'] },
    async () => {
      const parts = ['1', '1:1', '|', '1|', '|1', ':', '1:', '1:a1:b', 'a1:b']
      const { send } = guard(
        ({ token, path, headers }) => allow({ principal: JSON.stringify([token, path, headers]) }),
        {
          context: { headers: ['x-a'] },
          concurrency: { maxWaiting: 100_000 },
        },
      )
      const requests = parts.flatMap((token) =>
        parts.flatMap((path) => parts.map((value) => get(`/${path}`, token, { 'x-a': value }))),
      )
      const askAll = async (): Promise<string[]> =>
        Promise.all(requests.map(async (request) => (await send(request)).text()))
      const names = await askAll()
      expect(new Set(names).size).toBe(requests.length)
      expect(await askAll()).toEqual(names)
    },
  )

  it('has an identity that a handler cannot change for the next request (Ory)', async () => {
    const errors: unknown[] = []
    const { send, asked } = guard(
      () => allow({ principal: 'alice', attributes: { roles: ['user'] } }),
      {},
      (request) => {
        const { attributes } = getAuth(request)
        try {
          ;(attributes['roles'] as string[]).push('admin')
        } catch (error) {
          errors.push(error)
        }
        return Response.json(attributes)
      },
    )
    await send(get('/', TOKEN))
    expect(await (await send(get('/', TOKEN))).json()).toEqual({ roles: ['user'] })
    expect(errors).toEqual([expect.any(TypeError), expect.any(TypeError)])
    expect(asked).toHaveLength(1)
  })
})

it('nothing is cached of an allow without the required identity (Ory CVE-2021-32701)', async () => {
  const { send, asked } = guard(() => allow(), { identity: 'required' })
  for (let turn = 0; turn < 2; turn += 1) {
    const { error } = (await (await send(get('/', TOKEN))).json()) as { error: { code: string } }
    expect(error.code).toBe('invalid_response')
  }
  expect(asked).toHaveLength(2)
})
