import { HttpResponse } from 'msw'
import { expect, it } from 'vitest'
import { createGateway } from '../../../src/gateway.ts'
import { withAuth } from '../../../src/index.ts'
import { ENDPOINT, setupEndpoint } from '../../support/msw-endpoint.ts'
import { get, raw } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'

/** The headers of a response that tell a browser about other origins. */

const { asked, answer } = setupEndpoint()
const varying = (): Response => new Response('', { headers: { vary: 'Origin' } })
const guarded = withAuth(varying, { endpoint: ENDPOINT })

it.each(['https://evil.example.test', 'null'])(
  'no origin may read a rejection, and %s is not sent back (Hono CVE-2026-54290)',
  async (origin) => {
    const crossing = { origin, cookie: 'session=1' }
    const preflight = { origin, 'access-control-request-method': 'PUT' }
    const rejections = [
      await guarded(get('/', undefined, crossing)),
      await guarded(get('/', TOKEN, crossing)),
      await guarded(raw('http://h/', preflight, 'OPTIONS')),
    ]
    expect(rejections.map(({ status }) => status)).toEqual([401, 401, 401])
    const headers = JSON.stringify(rejections.map((response) => [...response.headers]))
    expect(headers.toLowerCase()).not.toMatch(/access-control|evil/)
  },
)

it('Vary comes from the handler or the upstream, not from the request (Hono GHSA-q7jf-gf43-6x6p)', async () => {
  answer(() => new HttpResponse(null, { status: asked.at(-1)?.body.api_key === TOKEN ? 200 : 401 }))
  const vary = { origin: 'https://evil.example.test', vary: '*, X-Evil' }
  expect((await guarded(get('/', 'wrong', vary))).headers.has('vary')).toBe(false)
  expect((await guarded(get('/', TOKEN, vary))).headers.get('vary')).toBe('Origin')
  const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch: async () => varying() })
  const response = await withAuth(gateway, { endpoint: ENDPOINT })(get('/', TOKEN, vary))
  expect(response.headers.get('vary')).toBe('Origin')
})
