import { beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { endpointVerifier } from '../../../src/verifiers.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, AuthEvent } from '../../../src/index.ts'

/** What the operator reads of a mistake that rejects everybody, or a whole kind of clients. */

const SECRET = 'hunter2'
const URL_WITH_SECRET = `https://auth.example.test:8443/${SECRET}?key=${SECRET}`
const ASKED = 'the auth endpoint https://auth.example.test:8443'

let lines: string[] = []
beforeEach(() => {
  lines = []
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(String(line)))
})

const statusResponse = (status: number) => ({ status, headers: new Headers(), body: null })

/** Asks an endpoint that gives these answers, one request after the other. */
async function answerWith(statuses: readonly number[], config: AuthConfig = {}): Promise<number[]> {
  const left = [...statuses]
  const guarded = withAuth(() => new Response(), {
    ...(config.verifier === undefined ? { endpoint: URL_WITH_SECRET } : {}),
    retry: false,
    circuitBreaker: false,
    ...config,
    fetch: async () => statusResponse(left.shift() ?? 0),
  })
  const answered: number[] = []
  while (left.length > 0) answered.push((await guarded(get('/', `t${left.length}`))).status)
  return answered
}

describe('an endpoint with a status that is no answer', () => {
  it.each([
    [404, `${ASKED} answers 404 to every question: is its path right?`],
    [405, `${ASKED} answers 405 to every question: is its path right?`],
    [307, `${ASKED} answers 307 to every question: set "endpoint" to the URL that it redirects to`],
    [0, `${ASKED} answers 0 to every question: set "endpoint" to the URL that it redirects to`],
    ...[201, 304, 399].map((status): [number, string] => [
      status,
      `${ASKED} answers ${status} to every question: only 200 allows`,
    ]),
    ...[103, 400, 600].map((status): [number, string] => [
      status,
      `${ASKED} answers ${status} to every question: does it expect another body? A denial is 401 or 403`,
    ]),
  ])('denies, and says so once a minute: %i', async (status, message) => {
    expect(await answerWith([status, status, status])).toEqual([401, 401, 401])
    expect(lines).toEqual([`with-auth: ${message}`])
  })

  it.each([200, 401, 403, 429, 503, 599, 405])(
    'says "some questions" if %i was answered in the same minute',
    async (other) => {
      await answerWith([other === 405 ? 401 : other, 404])
      expect(lines.at(-1)).toBe(
        `with-auth: ${ASKED} answers 404 to some questions: is its path right?`,
      )
    },
  )

  it.each([200, 405])('says "every question" if a %i is a minute old', async (other) => {
    const statuses = [other, 404]
    const guarded = withAuth(() => new Response(), {
      endpoint: URL_WITH_SECRET,
      fetch: async () => statusResponse(statuses.shift() ?? 0),
    })
    await guarded(get('/', 't1'))
    vi.advanceTimersByTime(60_000)
    await guarded(get('/', 't1'))
    expect(lines.at(-1)).toBe(
      `with-auth: ${ASKED} answers 404 to every question: is its path right?`,
    )
  })

  it('gives one warning a minute for all such statuses, and says "some questions" after several', async () => {
    const statuses = [404, 405, 404]
    const guarded = withAuth(() => new Response(), {
      endpoint: URL_WITH_SECRET,
      fetch: async () => statusResponse(statuses.shift() ?? 0),
    })
    const some = `${ASKED} answers 404 to some questions: is its path right?`
    for (const told of [1, 1, 2]) {
      await guarded(get('/', 't1'))
      expect(lines).toHaveLength(told)
      vi.advanceTimersByTime(30_000)
    }
    expect(lines.at(-1)).toBe(`with-auth: ${some}`)
  })

  it.each([200, 401, 403])('says nothing of %i', async (status) => {
    await answerWith([status])
    expect(lines).toEqual([])
  })

  it('names a redirect that "fetch" has followed', async () => {
    const fetch = async () => ({ ...statusResponse(200), redirected: true })
    const guarded = withAuth(() => new Response(), { endpoint: URL_WITH_SECRET, fetch })
    expect((await guarded(get('/', 't1'))).status).toBe(401)
    expect(lines).toEqual([
      `with-auth: ${ASKED} redirects every question: set "endpoint" to the URL that it redirects to`,
    ])
  })

  it('is a warning for an observer, and for that of endpointVerifier', async () => {
    const events: AuthEvent[] = []
    const onEvent = (event: AuthEvent): number => events.push(event)
    const fetch = async () => statusResponse(404)
    const verifier = endpointVerifier({ endpoint: URL_WITH_SECRET, fetch })
    for (const config of [{ endpoint: URL_WITH_SECRET, fetch }, { verifier }]) {
      const guarded = withAuth(() => new Response(), { ...config, onEvent })
      await guarded(get('/', 't1'))
    }
    const warning = {
      type: 'warning',
      message: `${ASKED} answers 404 to every question: is its path right?`,
    }
    expect(events.filter(({ type }) => type === 'warning')).toEqual([warning, warning])
    expect(lines).toEqual([])
    expect(JSON.stringify(events)).not.toContain(SECRET)
  })
})

describe('a request without a token', () => {
  const ask = async (requests: readonly Request[], config: AuthConfig = {}): Promise<void> => {
    const verifier = (): { outcome: 'deny' } => ({ outcome: 'deny' })
    const guarded = withAuth(() => new Response(), { verifier, ...config })
    for (const request of requests) await guarded(request)
  }
  const preflight = (): Request =>
    new Request('https://api.example.test/', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.test', 'access-control-request-method': 'POST' },
    })

  it('that has the form of a preflight says once how to let browsers in', async () => {
    await ask([preflight(), preflight()])
    expect(lines).toEqual([
      'with-auth: a CORS preflight was rejected, since it carries no token: browsers cannot call this server from other origins. Answer preflights before this guard, or set "preflight" to "allow"',
    ])
  })

  it('that has the form of a preflight is no news where preflights pass, or in shadow mode', async () => {
    const overridden = preflight()
    overridden.headers.set('x-http-method-override', 'DELETE')
    await ask([preflight(), overridden], { preflight: 'allow' })
    await ask([preflight()], { mode: 'shadow' })
    await ask([get('/'), new Request('https://api.example.test/', { method: 'OPTIONS' })])
    expect(lines).toEqual([])
  })

  it.each(['access_token', 'api_key', 'apikey', 'api-key', 'auth_token', 'token', 'key', 'Token'])(
    'that has one in its URL says once that it is never read there: %s',
    async (name) => {
      await ask([get(`/a?b=c&${name}=${SECRET}`), get(`/a?${name}=${SECRET}`)])
      expect(lines).toEqual([
        `with-auth: a request without a token was rejected, and its URL has the parameter "${name.toLowerCase()}": a token is never read from a URL, which logs keep. Send it as "Authorization: Bearer", or as "credentials" says`,
      ])
    },
  )

  it('says nothing of other parameters, nor of a token that is denied', async () => {
    await ask([get('/?monkey=1&q=token=1&token='), get(`/?token=${SECRET}`, 't1')])
    expect(lines).toEqual([])
  })

  it('tells an observer the same', async () => {
    const events: AuthEvent[] = []
    await ask([get(`/?token=${SECRET}`), preflight()], { onEvent: (event) => events.push(event) })
    expect(lines).toEqual([])
    expect(events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      expect.stringContaining('a token is never read from a URL'),
      expect.stringContaining('a CORS preflight was rejected'),
    ])
    expect(JSON.stringify(events)).not.toContain(SECRET)
  })
})

describe.each([
  ['with a cache', { cache: memoryCache(), context: { headers: [] } }],
  ['without one', {}],
])('a token of more than 8,192 characters, %s', (_name, options) => {
  const [longer, longest] = ['a'.repeat(8193), SECRET.repeat(2000)]
  const explanation = 'the token has 8193 characters, and at most 8192 are allowed'
  const message = `a request was rejected: ${explanation}. Let the issuer put less into its tokens, such as fewer roles`
  const ask = async (config: AuthConfig): Promise<unknown> => {
    const verifier = (): { outcome: 'deny' } => ({ outcome: 'deny' })
    const guarded = withAuth(() => new Response(), { verifier, ...options, ...config })
    await guarded(get('/', 'two words'))
    const answer = await guarded(get('/', longer))
    // The path of this one has a part of it.
    await guarded(get(`/${longest.slice(-40)}`, longest))
    return [answer.status, await answer.json()]
  }

  it('is rejected as malformed, and the console says once how long it was', async () => {
    const sentence = 'Missing or invalid Authorization header'
    const error = { message: sentence, type: 'authentication_error', code: 'malformed_credentials' }
    expect(await ask({})).toEqual([401, { error }])
    expect(lines).toEqual([`with-auth: ${message}`])
  })

  it('is told to an observer, and no part of it', async () => {
    const events: AuthEvent[] = []
    await ask({ onEvent: (event) => events.push(event) })
    const reason = 'malformed_credentials'
    const tooLong = { reason, status: 401, detail: 'too_long' }
    expect(events).toMatchObject([
      { reason },
      { ...tooLong, cause: explanation, path: '' },
      { type: 'warning', message },
      { ...tooLong, cause: explanation.replace('8193', '14000'), path: '' },
    ])
    expect(events[0]).not.toHaveProperty('detail')
    expect(JSON.stringify(events)).not.toContain(SECRET)
    expect(lines).toEqual([])
  })
})
