import { STATUS_CODES } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { createAdaptorServer as createOldServer } from 'hono-node-server-1'
import { describe, expect, it, vi } from 'vitest'
import { Denials } from '../../../src/core/response/denial.ts'
import { withAuth } from '../../../src/index.ts'
import { close, listen } from '../../support/loopback.ts'
import type { Channel } from '../../../src/core/response/events.ts'
import type { AuthConfig, DenialReason } from '../../../src/index.ts'

const M1 = 'Missing or invalid Authorization header'
const M2 = 'Authentication failed'
const M3 = 'Authentication service error'
const M4 = 'Authentication service unavailable'
const M5 = 'Too many authentication requests'
const TABLE: [DenialReason, number, string, boolean, number, outageMessage?: string][] = [
  ['missing_credentials', 401, M1, false, 401],
  ['malformed_credentials', 401, M1, true, 401],
  ['denied', 401, M2, true, 401],
  ['rate_limited', 401, M2, false, 429, M5],
  ['service_error', 401, M2, false, 503, M4],
  ['timeout', 401, M3, false, 503, M4],
  ['unreachable', 401, M3, false, 503, M4],
  ['invalid_response', 401, M3, false, 503, M4],
  ['circuit_open', 401, M3, false, 503, M4],
  ['overloaded', 401, M3, false, 503, M4],
  ['internal_error', 401, M3, false, 401],
  ['malformed_request', 400, 'Malformed request target', false, 400],
  ['not_configured', 500, 'Authentication is not configured', false, 500],
]
const TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'api_error',
}
const request = new Request('https://api.example.test/')

function denials(options: ConstructorParameters<typeof Denials>[0] = {}) {
  return new Denials(options)
}

function responseFor(
  reason: DenialReason,
  options: Parameters<typeof denials>[0] = {},
  retryAfterMs?: number,
): Response {
  const made = denials(options)
  return made.respond(made.create(reason, { retryAfterMs }), request)
}

describe('the response of a rejection', () => {
  it.each(TABLE)(
    'for %s is %d',
    async (reason, status, kept, invalidToken, outageStatus, changed = kept) => {
      const challenge = `Bearer realm="api"${invalidToken ? ', error="invalid_token"' : ''}`
      for (const unavailableStatus of [401, 503] as const) {
        const expected = unavailableStatus === 503 ? outageStatus : status
        const message = unavailableStatus === 503 ? changed : kept
        const response = responseFor(reason, { unavailableStatus })
        expect([response.status, response.statusText]).toEqual([expected, STATUS_CODES[expected]])
        expect(await response.text()).toBe(
          JSON.stringify({ error: { message, type: TYPES[expected], code: reason } }),
        )
        expect(Object.fromEntries(response.headers)).toEqual({
          'content-type': 'application/json',
          'cache-control': 'no-store',
          ...(expected === 401 ? { 'www-authenticate': challenge } : {}),
          ...(expected === 429 || expected === 503 ? { 'retry-after': '1' } : {}),
        })
      }
    },
  )

  it('tells how long to wait in whole seconds from 1 to 30, and only where waiting helps', () => {
    const after = (ms: number): string | null =>
      responseFor('timeout', { unavailableStatus: 503 }, ms).headers.get('retry-after')
    expect([NaN, -5, 0, 1500, 30_000, Infinity].map(after)).toEqual([
      '1',
      '1',
      '1',
      '2',
      '30',
      '30',
    ])
    expect(
      responseFor('rate_limited', { unavailableStatus: 503 }, 7000).headers.get('retry-after'),
    ).toBe('7')
    expect(responseFor('timeout', {}, 7000).headers.has('retry-after')).toBe(false)
    expect(responseFor('denied', { unavailableStatus: 503 }, 7000).headers.has('retry-after')).toBe(
      false,
    )
  })

  it('escapes the realm as a quoted-string', () => {
    const challenge = responseFor('missing_credentials', { realm: 'a"b\\c, error="x' }).headers.get(
      'www-authenticate',
    )
    expect(challenge).toBe('Bearer realm="a\\"b\\\\c, error=\\"x"')
  })

  it('has headers of its own: what middleware does to one client reaches no other', () => {
    const made = denials()
    const respond = () => made.respond(made.create('missing_credentials'), request)
    const first = Object.fromEntries(respond().headers)
    const changed = respond()
    changed.headers.append('set-cookie', 'session=1')
    changed.headers.delete('www-authenticate')
    expect(Object.fromEntries(respond().headers)).toEqual(first)
    expect(respond().headers.has('www-authenticate')).toBe(true)
  })

  it.each([
    ['2', createAdaptorServer],
    ['1', createOldServer],
  ])('is one of its own below @hono/node-server %s too', async (_version, createServer) => {
    const { Request: OwnRequest, Response: OwnResponse } = globalThis
    const guarded = withAuth(() => new Response(), { endpoint: 'https://auth.example.test' })
    let sessions = 0
    // Replaces the global Response, whose headers are those that it is given.
    const server = createServer({
      fetch: async (incoming) => {
        const response = await guarded(incoming)
        if (incoming.url.endsWith('/plain')) return response
        if (incoming.url.endsWith('/page')) return new Response('<h1>No</h1>', response)
        response.headers.append('set-cookie', `session=${(sessions += 1)}`)
        return response
      },
    })
    const origin = `http://127.0.0.1:${await listen(server)}`
    try {
      const cookies = [await fetch(origin), await fetch(origin), await fetch(origin)]
      expect(cookies.map(({ headers }) => headers.getSetCookie())).toEqual([
        ['session=1'],
        ['session=2'],
        ['session=3'],
      ])
      await fetch(`${origin}/plain`)
      const page = await fetch(`${origin}/page`)
      expect([page.status, await page.text()]).toEqual([401, '<h1>No</h1>'])
    } finally {
      Object.assign(globalThis, { Request: OwnRequest, Response: OwnResponse })
      await close(server)
    }
  })

  it('keeps nothing that one request alone is told for the next one', () => {
    const made = denials({ unavailableStatus: 503 })
    const texts = [
      made.create('overloaded', { retryAfterMs: 7000 }),
      made.create('overloaded', {}),
      made.create('insufficient_scope', {}, ['a']),
      made.create('insufficient_scope', {}, []),
      made.create('malformed_credentials', { isConflict: true }),
      made.create('malformed_credentials', {}),
    ].map(({ denial }) => [denial.retryAfterMs, denial.scopes, denial.message])
    expect(texts).toEqual([
      [7000, undefined, M4],
      [1000, undefined, M4],
      [undefined, ['a'], 'Insufficient scope'],
      [undefined, undefined, 'Insufficient scope'],
      [undefined, undefined, 'The request has two different tokens'],
      [undefined, undefined, M1],
    ])
    const kept = denials()
    kept.create('overloaded')
    expect(kept.create('overloaded', { detail: 'unknown_key' }).denial.status).toBe(503)
    expect(kept.create('unreachable', { detail: 'unknown_key' }).denial.status).toBe(401)
  })
})

describe('respond', () => {
  type Respond = NonNullable<AuthConfig['respond']>

  it('is given the denial, frozen, and the request', () => {
    const respond = vi.fn<Respond>(() => new Response('no', { status: 403 }))
    responseFor('timeout', { respond, unavailableStatus: 503 }, 2500)
    expect(respond).toHaveBeenCalledExactlyOnceWith(
      { reason: 'timeout', status: 503, message: M4, retryAfterMs: 3000 },
      request,
    )
    expect(Object.isFrozen(respond.mock.calls[0]?.[0])).toBe(true)
    expect(Object.isFrozen(denials().create('denied').denial)).toBe(true)
  })

  it('sends its response as it is', async () => {
    const own = new Response('no', { status: 403, headers: { 'x-own': '1' } })
    const response = responseFor('denied', { respond: () => own })
    expect(response).toBe(own)
    const statusOf = (given: Response): number =>
      responseFor('denied', { respond: () => given }).status
    expect(statusOf(Response.redirect('https://l.example.test/', 302))).toBe(302)
    expect(statusOf(new Response('', { status: 300 }))).toBe(300)
  })

  it('adds the challenge to a 401 that has none, and changes no given response', async () => {
    const own = new Response('no', { status: 401, statusText: 'Nope', headers: { 'x-own': '1' } })
    const response = responseFor('denied', { respond: () => own })
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="invalid_token"',
    )
    expect(response.headers.get('x-own')).toBe('1')
    expect(response.statusText).toBe('Nope')
    expect(await response.text()).toBe('no')
    expect(own.headers.has('www-authenticate')).toBe(false)
    const hidden = new Response('no', { status: 404 })
    expect(responseFor('insufficient_scope', { respond: () => hidden })).toBe(hidden)
    const challenged = new Response('', { status: 401, headers: { 'www-authenticate': 'DPoP' } })
    expect(responseFor('denied', { respond: () => challenged })).toBe(challenged)
  })

  it('gives each request a Response of its own, also where the same one without a body is returned', () => {
    const shared = new Response(null, { status: 403, statusText: 'No', headers: { 'x-a': '1' } })
    const [first, second] = [1, 2].map(() => responseFor('denied', { respond: () => shared }))
    first?.headers.set('set-cookie', 'sid=alice')
    expect(second?.headers.has('set-cookie')).toBe(false)
    expect(second).toMatchObject({ status: 403, statusText: 'No', body: null })
    expect(second?.headers.get('x-a')).toBe('1')
  })

  const bug = new RangeError('sk-secret')
  const throwing = (): never => {
    throw bug
  }
  const used = (): Response => {
    const response = new Response('no', { status: 403 })
    response.body?.getReader()
    return response
  }
  const begun = new Response('no', { status: 403 })
  const sentBefore = new Response('no', { status: 300 })

  it.each<[string, () => unknown]>([
    ['threw RangeError', throwing],
    ['returned no Response', () => undefined],
    ['returned no Response', () => ({ status: 403 })],
    ['returned a promise', async () => new Response('', { status: 403 })],
    ['returned a promise', () => Promise.reject(bug)],
    ['returned a Response with the status 200', () => new Response('welcome')],
    ['returned a Response with the status 204', () => new Response(null, { status: 204 })],
    ['returned a Response with the status 0', () => Response.error()],
    ['returned a Response whose body was used before', used],
    ['returned a Response whose body was used before', () => begun],
    ['returned a Response whose body was used before', () => sentBefore],
  ])(
    'is replaced by the built-in response if it %s, with one warning (%#)',
    async (problem, respond) => {
      const error = respond === throwing ? bug : undefined
      const reader = begun.bodyUsed ? undefined : begun.body?.getReader()
      await reader?.read()
      reader?.releaseLock()
      if (!sentBefore.bodyUsed) await sentBefore.text()
      const notify = vi.fn<Channel['notify']>()
      const made = denials({ respond: respond as Respond, notify })
      for (let turn = 0; turn < 2; turn += 1) {
        const response = made.respond(made.create('denied'), request)
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ error: { code: 'denied' } })
      }
      const message = `"respond" ${problem}: the built-in response is sent instead. Return a new Response with a status from 300 on`
      expect(notify.mock.calls).toEqual([[{ type: 'warning', message }, error]])
      expect(responseFor('denied', { respond: respond as Respond }).status).toBe(401)
    },
  )

  it('raises no warning if it works', () => {
    const notify = vi.fn<Channel['notify']>()
    responseFor('denied', { respond: () => new Response('no', { status: 403 }), notify })
    responseFor('denied', { notify })
    expect(notify).not.toHaveBeenCalled()
  })
})
