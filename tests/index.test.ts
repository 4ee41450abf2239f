import { expect, it } from 'vitest'
import * as withAuth from '../src/index.ts'

it('exports these and nothing else', () => {
  expect(new Set(Object.keys(withAuth))).toEqual(
    new Set([
      'AuthConfigError',
      'AuthUnavailableError',
      'createAuthenticator',
      'getAuth',
      'memoryCache',
      'withAuth',
    ]),
  )
})

it('guards a handler and names the caller', async () => {
  const guarded = withAuth.withAuth(
    (request: Request) => Response.json(withAuth.getAuth(request)),
    {
      verifier: ({ token }) =>
        token === 'k1' ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
    },
  )
  const ask = async (token: string): Promise<Response> =>
    guarded(
      new Request('https://api.example.test/', { headers: { authorization: `Bearer ${token}` } }),
    )
  expect(await (await ask('k1')).json()).toEqual({ principal: 'alice', attributes: {} })
  expect((await ask('k2')).status).toBe(401)
})
