import { HttpResponse } from 'msw'
import { expect, it } from 'vitest'
import { getAuth, withAuth } from '../src/index.ts'
import { ENDPOINT, setupEndpoint } from './support/msw-endpoint.ts'
import type { AuthConfig } from '../src/index.ts'

/**
 * The contract: a request goes to the handler if the endpoint answers its question with 200, and in no other case. It is
 * that of `server.auth.endpoint` of Llama Stack. Read this file first; each other test is about a case that it leaves out.
 */

const VALID_KEY = 'valid_api_key_12345'
const INVALID_KEY = 'invalid_api_key_67890'

const NO_KEY = 'Missing or invalid Authorization header'
const OUTAGE = 'Authentication service error'

const endpoint = setupEndpoint()

/** What a server with `withAuth` answers. Its handler answers with what it knows about the caller. */
function request(path: string, headers: HeadersInit, config: AuthConfig = {}): Promise<Response> {
  const handler = (asked: Request): Response => Response.json({ caller: getAuth(asked) })
  const guarded = withAuth(handler, { endpoint: ENDPOINT, ...config })
  return Promise.resolve(guarded(new Request(`https://api.example.test${path}`, { headers })))
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

async function expectRejection(response: Response, message: string, code: string): Promise<void> {
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer\b/)
  expect(await response.json()).toEqual({
    error: { message, type: 'authentication_error', code },
  })
}

it('a valid key: the handler answers', async () => {
  endpoint.answer(() => HttpResponse.json({ message: 'Authentication successful' }))
  const response = await request('/test', bearer(VALID_KEY))
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ caller: { attributes: {} } })
})

it('a valid key of a caller with a name and attributes: the handler learns them', async () => {
  const attributes = { roles: ['admin', 'user'], teams: ['ml-team'] }
  endpoint.answer(() => HttpResponse.json({ principal: 'alice', attributes }))
  const response = await request('/test', bearer(VALID_KEY))
  expect(await response.json()).toEqual({ caller: { principal: 'alice', attributes } })
})

it('an invalid key: 401', async () => {
  endpoint.answer(() => HttpResponse.json({ message: 'Authentication failed' }, { status: 401 }))
  const response = await request('/test', bearer(INVALID_KEY))
  await expectRejection(response, 'Authentication failed', 'denied')
  expect(endpoint.asked).toHaveLength(1)
})

it('no Authorization header: 401, and the endpoint is not asked', async () => {
  await expectRejection(await request('/test', {}), NO_KEY, 'missing_credentials')
  expect(endpoint.asked).toEqual([])
})

it.each([
  ['InvalidFormat token123', 'missing_credentials'],
  [VALID_KEY, 'missing_credentials'],
  ['Bearer', 'malformed_credentials'],
  ['Bearer two tokens', 'malformed_credentials'],
])(
  'a malformed Authorization header: 401, and the endpoint is not asked: %j',
  async (authorization, code) => {
    endpoint.answer(() => HttpResponse.json({}))
    await expectRejection(await request('/test', { authorization }), NO_KEY, code)
    expect(endpoint.asked).toEqual([])
  },
)

it.each([201, 204, 302, 400, 403, 404, 429, 500, 503])(
  'an endpoint that answers %i allows nothing',
  async (status) => {
    endpoint.answer(() => new HttpResponse(null, { status }))
    const response = await request('/test', bearer(VALID_KEY))
    expect(response.status).toBe(401)
  },
)

it('an endpoint that cannot be reached: 401, or 503 if you want that', async () => {
  endpoint.answer(() => HttpResponse.error())
  await expectRejection(await request('/test', bearer(VALID_KEY)), OUTAGE, 'unreachable')
  const config = { unavailableStatus: 503 } as const
  expect((await request('/test', bearer(VALID_KEY), config)).status).toBe(503)
})

it('an endpoint that does not answer in time: 401', async () => {
  endpoint.answer(() => new Promise(() => undefined))
  const response = await request('/test', bearer(VALID_KEY), { timeoutMs: 50 })
  await expectRejection(response, OUTAGE, 'timeout')
  expect(endpoint.asked).toHaveLength(1)
})

it('the question has the key, the path, the headers and the parameters', async () => {
  const headers = { ...bearer(VALID_KEY), 'User-Agent': 'TestClient', cookie: 'session=s3cret' }
  await request('/test?param1=value1&param2=a&param2=b', headers)
  expect(endpoint.asked.map(({ body }) => body)).toEqual([
    {
      api_key: VALID_KEY,
      request: {
        path: '/test',
        headers: { authorization: `Bearer ${VALID_KEY}`, 'user-agent': 'TestClient' },
        params: { param1: 'value1', param2: ['a', 'b'] },
      },
    },
  ])
  const [asked] = endpoint.asked
  expect(asked?.headers.get('content-type')).toBe('application/json')
  expect(asked?.headers.get('authorization')).toBeNull()
})

it('the question as Llama Stack asks it: without the Authorization header, and parameters in lists', async () => {
  const headers = { ...bearer(VALID_KEY), 'User-Agent': 'TestClient' }
  const context = { headers: ['user-agent'], params: 'lists' } as const
  await request('/test?param1=value1', headers, { context })
  expect(endpoint.asked[0]?.body).toEqual({
    api_key: VALID_KEY,
    request: {
      path: '/test',
      headers: { 'user-agent': 'TestClient' },
      params: { param1: ['value1'] },
    },
  })
})
