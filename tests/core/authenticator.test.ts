import { describe, expect, it, vi } from 'vitest'
import { createAuthenticator } from '../../src/core/authenticator.ts'
import { protectedResource } from '../../src/mcp.ts'
import { allow } from '../support/decide.ts'
import { ENDPOINT, setupEndpoint } from '../support/msw-endpoint.ts'
import { get } from '../support/requests.ts'

const endpoint = setupEndpoint()

describe('createAuthenticator', () => {
  it('returns the identity, or the response to send', async () => {
    const authenticate = createAuthenticator({ endpoint: ENDPOINT, public: ['/healthz'] })
    endpoint.answer(allow)
    expect(await authenticate(get('/a', 'k1'))).toEqual({
      ok: true,
      auth: { principal: 'alice', attributes: { roles: ['a'] } },
    })
    expect(await authenticate(get('/healthz'))).toEqual({ ok: true, auth: undefined })
    const refused = await authenticate(get('/a'))
    expect(refused).toMatchObject({ ok: false, reason: 'missing_credentials' })
    expect(refused).not.toHaveProperty('cause')
    expect(refused.ok ? undefined : refused.response.status).toBe(401)
  })

  it('returns 403, and the metadata of a resource, with a reason of their own', async () => {
    const authenticate = createAuthenticator({
      endpoint: ENDPOINT,
      resource: protectedResource({
        identifier: 'https://a.example/',
        authorizationServers: ['https://b.example'],
      }),
      authorize: () => false,
    })
    endpoint.answer(allow)
    expect(await authenticate(get('/a', 'k1'))).toMatchObject({
      ok: false,
      reason: 'forbidden',
      response: { status: 403 },
    })
    expect(await authenticate(get('/.well-known/oauth-protected-resource'))).toEqual({
      ok: false,
      reason: 'resource_metadata',
      response: expect.objectContaining({ status: 200 }) as Response,
    })
  })

  it('hands the extra arguments to a config function', async () => {
    const config = vi.fn((env: { url: string }) => ({ endpoint: env.url }))
    const authenticate = createAuthenticator(config)
    endpoint.answer(allow)
    expect(await authenticate(get('/a', 'k1'), { url: ENDPOINT })).toMatchObject({ ok: true })
    expect(config).toHaveBeenCalledExactlyOnceWith({ url: ENDPOINT })
  })
})
