import { describe, expect, it, vi } from 'vitest'
import { createAuthenticator, withAuth } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthConfig, AuthEvent, Verifier } from '../../src/index.ts'
import type { ResourceConfig } from '../../src/mcp.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const RESOURCE: ResourceConfig = {
  identifier: 'https://api.example.test/mcp',
  authorizationServers: ['https://login.example.test'],
}
const verifier: Verifier = () => ({ outcome: 'allow' })
const handler = vi.fn(() => new Response('secret'))

function guard(resource: Partial<ResourceConfig> = {}, config: AuthConfig = {}) {
  return withAuth(handler, {
    verifier,
    ...config,
    resource: protectedResource({ ...RESOURCE, ...resource }),
  })
}

describe('the metadata of a resource', () => {
  it('is what the config says, and nothing else (RFC 9728 §2)', async () => {
    const response = await guard()(get(`${WELL_KNOWN}/mcp`))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      resource: 'https://api.example.test/mcp',
      authorization_servers: ['https://login.example.test'],
      bearer_methods_supported: ['header'],
    })
    expect(Object.fromEntries(response.headers)).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'max-age=3600',
      'content-type': 'application/json',
    })
  })

  it('has the scopes, those of `require` too, the name and the documentation', async () => {
    const more = {
      scopes: ['a', 'b'],
      require: ['c', 'a'],
      name: 'Notes',
      documentation: 'https://docs.example.test/',
    }
    const response = await guard(more)(get(`${WELL_KNOWN}/mcp`))
    expect(await response.json()).toMatchObject({
      scopes_supported: ['a', 'b', 'c'],
      resource_name: 'Notes',
      resource_documentation: 'https://docs.example.test/',
    })
  })

  const PREFLIGHT = {
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': '*',
    'access-control-max-age': '3600',
  }

  it.each([
    ['GET', 200, { 'content-type': 'application/json' }, true],
    ['HEAD', 200, { 'content-type': 'application/json' }, false],
    ['OPTIONS', 204, PREFLIGHT, false],
    ['POST', 405, { allow: 'GET, HEAD, OPTIONS' }, false],
    ['DELETE', 405, { allow: 'GET, HEAD, OPTIONS' }, false],
  ])('answers %s with %d', async (method, status, headers, hasBody) => {
    const request = new Request(get(`${WELL_KNOWN}/mcp`), { method })
    const response = await guard()(request)
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...headers,
      'access-control-allow-origin': '*',
    })
    expect((await response.text()) !== '').toBe(hasBody)
    expect(handler).not.toHaveBeenCalled()
  })

  it.each([
    ['https://api.example.test/', WELL_KNOWN, ''],
    ['https://api.example.test/a/b', `${WELL_KNOWN}/a/b`, ''],
    ['https://api.example.test/a/', `${WELL_KNOWN}/a/`, ''],
    ['https://api.example.test/a%20b?x=1', `${WELL_KNOWN}/a%20b`, '?x=1'],
    ['http://127.0.0.1:8080/mcp', `${WELL_KNOWN}/mcp`, ''],
  ])('of %s lies at the path that §3.1 says', async (identifier, path, query) => {
    const guarded = guard({ identifier })
    const found = await guarded(get(path))
    expect(await found.json()).toMatchObject({ resource: identifier })
    const rejected = await guarded(get('/other'))
    const { origin } = new URL(identifier)
    expect(rejected.headers.get('www-authenticate')).toBe(
      `Bearer realm="api", resource_metadata="${origin}${path}${query}"`,
    )
  })

  it.each([WELL_KNOWN, `${WELL_KNOWN}/mcp/`, `${WELL_KNOWN}/mcp/x`, `${WELL_KNOWN}/MCP`, '/mcp'])(
    'is not at %s, which needs a token',
    async (path) => {
      expect((await guard()(get(path))).status).toBe(401)
    },
  )

  it('takes nothing from Host or forwarding headers', async () => {
    const forged = {
      host: 'evil.example.test',
      'x-forwarded-host': 'evil.example.test',
      'x-forwarded-proto': 'http',
      forwarded: 'host=evil.example.test;proto=http',
    }
    const guarded = guard()
    for (const path of [`${WELL_KNOWN}/mcp`, '/mcp']) {
      const response = await guarded(get(path, undefined, forged))
      expect(JSON.stringify([...response.headers, await response.text()])).not.toContain('evil')
    }
  })

  it('comes in shadow mode too, without an event, and is no decision of `respond` or `authorize`', async () => {
    const events: AuthEvent[] = []
    const config: AuthConfig = {
      mode: 'shadow',
      respond: () => new Response('mine', { status: 418 }),
      authorize: () => false,
      public: [`${WELL_KNOWN}/mcp`],
      onEvent: (event) => event.type === 'decision' && events.push(event),
    }
    expect((await guard({}, config)(get(`${WELL_KNOWN}/mcp`, TOKEN))).status).toBe(200)
    expect(events).toEqual([])
  })

  it('is a result of its own of an authenticator', async () => {
    const resource = protectedResource(RESOURCE)
    const result = await createAuthenticator({ verifier, resource })(get(`${WELL_KNOWN}/mcp`))
    expect(result).toMatchObject({ ok: false, reason: 'resource_metadata' })
  })

  it('is not served while the config cannot be used', async () => {
    const onEvent = (): void => undefined
    const resource = protectedResource(RESOURCE)
    const broken = withAuth(handler, () => ({ resource, timeoutMs: 0, onEvent }))
    expect((await broken(get(`${WELL_KNOWN}/mcp`))).status).toBe(500)
  })
})

describe('a challenge', () => {
  const scopes = ['notes:read', 'notes:write']
  const resource = protectedResource({ ...RESOURCE, require: scopes })
  const metadata =
    'resource_metadata="https://api.example.test/.well-known/oauth-protected-resource/mcp"'
  const needed = `scope="notes:read notes:write", ${metadata}`
  const lacking = `Bearer realm="api", error="insufficient_scope", ${needed}`
  const deny: Verifier = () => ({ outcome: 'deny' })
  const allowOne: Verifier = () => ({ outcome: 'allow', scopes: ['notes:read'] })
  const forbidding = { resource: protectedResource(RESOURCE), authorize: () => false }
  const respond = (): Response => new Response(null, { status: 403 })

  it.each<[string, AuthConfig, string | undefined, number, string | null]>([
    ['without a token', {}, undefined, 401, `Bearer realm="api", ${needed}`],
    [
      'for a wrong token',
      { verifier: deny },
      TOKEN,
      401,
      `Bearer realm="api", error="invalid_token", ${needed}`,
    ],
    ['for a token that lacks a scope, with all', { verifier: allowOne }, TOKEN, 403, lacking],
    ['is not sent with `forbidden`', forbidding, TOKEN, 403, null],
    ['of a custom 403 is added', { respond }, TOKEN, 403, lacking],
    ['of a custom 403 for `forbidden` is not', { ...forbidding, respond }, TOKEN, 403, null],
  ])('%s', async (_, config, token, status, challenge) => {
    const response = await withAuth(handler, { verifier, resource, ...config })(get('/', token))
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([status, challenge])
  })

  it('tells `respond` the scopes', async () => {
    const told = vi.fn(respond)
    await guardWith(verifier, { resource, respond: told }).ask()
    const rejection = { reason: 'insufficient_scope', status: 403, message: 'Insufficient scope' }
    expect(told).toHaveBeenCalledWith({ ...rejection, scopes }, expect.any(Request))
  })
})
