import { afterEach, expect, it } from 'vitest'
import { withAccess } from '../../../src/access.ts'
import { createAuthenticator, getAuth, withAuth } from '../../../src/index.ts'
import { TOKEN } from '../../support/token.ts'

/** Prototype pollution: no property of Object.prototype becomes the identity of a request. */

const ENDPOINT = 'https://auth.example.test/validate'
const answer = (status: number, body: string | null = null) => ({
  endpoint: ENDPOINT,
  public: ['/open'],
  fetch: () => Promise.resolve(new Response(body, { status })),
})
const withToken = (): Request =>
  new Request('https://api.example.test/', { headers: { authorization: `Bearer ${TOKEN}` } })

function pollute(name: string, value: unknown): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true })
}

afterEach(() => {
  Reflect.deleteProperty(Object.prototype, 'auth')
  Reflect.deleteProperty(Object.prototype, 'principal')
  Reflect.deleteProperty(Object.prototype, 'scopes')
})

it('a public request has no identity', async () => {
  const authenticate = createAuthenticator(answer(401))
  pollute('auth', { principal: 'admin', attributes: {} })
  const result = await authenticate(new Request('https://api.example.test/open'))
  expect(result).toEqual({ ok: true, auth: undefined })
})

it('a request that shadow mode lets through has no identity', async () => {
  const handler = withAuth((request: Request) => new Response(getAuth(request).principal), {
    ...answer(401),
    mode: 'shadow',
  })
  pollute('auth', { principal: 'admin', attributes: {} })
  await expect(async () => handler(withToken())).rejects.toThrow(TypeError)
})

it('an allow without a principal stays anonymous, and is rejected where one is required', async () => {
  const principalOf = withAuth(
    (request: Request) => Response.json(getAuth(request).principal ?? null),
    answer(200),
  )
  const required = withAuth(() => new Response('secret'), { ...answer(200), identity: 'required' })
  pollute('principal', 'admin')
  expect(await (await principalOf(withToken())).json()).toBeNull()
  expect((await required(withToken())).status).toBe(401)
})

it('a caller with a name has no scope that the endpoint does not say', async () => {
  const admin = withAccess(() => new Response('secret'), { scopes: ['admin'] })
  const guarded = withAuth(admin, answer(200, '{"principal":"ada"}'))
  pollute('scopes', ['admin'])
  expect((await guarded(withToken())).status).toBe(403)
})
