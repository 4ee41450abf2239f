import { describe, expect, it } from 'vitest'
import { getAuth, memoryCache, withAuth } from '../src/index.ts'
import { mcpAuthInfo, protectedResource } from '../src/mcp.ts'
import { get } from './support/requests.ts'
import { TOKEN } from './support/token.ts'
import type { AuthConfig, Verdict } from '../src/index.ts'
import type { ResourceConfig } from '../src/mcp.ts'

type Allow = Extract<Verdict, { outcome: 'allow' }>

const RESOURCE: ResourceConfig = {
  identifier: 'https://mcp.example.com/mcp?team=a',
  authorizationServers: ['https://login.example.com'],
}

/** What `read` returns in a handler behind guards, the outermost first. */
async function inside<Value>(
  read: (request: Request) => Value,
  verdict: Omit<Allow, 'outcome'> = {},
  configs: readonly AuthConfig[] = [{}],
  request = get('/mcp', TOKEN),
): Promise<Value> {
  const values: Value[] = []
  const handler = (given: Request): Response => {
    values.push(read(given))
    return new Response()
  }
  const verifier = async (): Promise<Allow> => ({ outcome: 'allow', ...verdict })
  const guarded = configs.reduceRight<(given: Request) => Response | Promise<Response>>(
    (inner, config) => withAuth(inner, { verifier, ...config }),
    handler,
  )
  const response = await guarded(request)
  const [value] = values
  if (value === undefined) throw new Error(`The handler was not called: ${response.status}`)
  return value
}

describe('mcpAuthInfo', () => {
  it('has all that is known about the caller, but not the token', async () => {
    const expiresAt = Date.UTC(2100, 0, 1) + 999
    const info = await inside(
      mcpAuthInfo,
      {
        principal: 'alice',
        attributes: { roles: ['admin'] },
        scopes: ['mcp:read'],
        clientId: 'app',
        tenant: 'acme',
        claims: { plan: { seats: 2 } },
        expiresAt,
      },
      [{ resource: protectedResource(RESOURCE) }],
    )
    expect(info).toEqual({
      token: '',
      clientId: 'app',
      scopes: ['mcp:read'],
      expiresAt: Date.UTC(2100, 0, 1) / 1000,
      resource: new URL(RESOURCE.identifier),
      resourceMetadataUrl:
        'https://mcp.example.com/.well-known/oauth-protected-resource/mcp?team=a',
      extra: {
        principal: 'alice',
        tenant: 'acme',
        attributes: { roles: ['admin'] },
        claims: { plan: { seats: 2 } },
      },
    })
    expect(JSON.stringify(info)).not.toContain(TOKEN)
  })

  it('names no application if none is known: never the user', async () => {
    expect(await inside(mcpAuthInfo, { principal: 'alice' })).toStrictEqual({
      token: '',
      clientId: '',
      scopes: [],
      extra: {
        principal: 'alice',
        attributes: await inside((request) => getAuth(request).attributes),
      },
    })
    expect(Object.keys((await inside(mcpAuthInfo)).extra)).toEqual(['attributes'])
  })

  it('gives scopes that a tool may change, without a change to a cached decision', async () => {
    const guarded = withAuth(
      (request: Request) => {
        const info = mcpAuthInfo(request)
        const { scopes, resource, extra } = info
        scopes.push('mcp:write')
        info.clientId = 'other'
        if (resource !== undefined) resource.pathname = '/other'
        Object.assign(extra, { principal: 'mallory' })
        return Response.json({ again: mcpAuthInfo(request), auth: getAuth(request) })
      },
      {
        verifier: async () => ({
          outcome: 'allow',
          principal: 'alice',
          clientId: 'app',
          scopes: ['mcp:read'],
        }),
        context: { headers: [] },
        cache: memoryCache(),
        resource: protectedResource(RESOURCE),
      },
    )
    for (const time of ['missed', 'hit']) {
      const { again, auth } = (await (await guarded(get('/mcp', TOKEN))).json()) as {
        again: object
        auth: object
      }
      const unchanged = { clientId: 'app', scopes: ['mcp:read'] }
      expect({ time, auth, again }).toMatchObject({
        time,
        auth: { ...unchanged, principal: 'alice' },
        again: { ...unchanged, resource: RESOURCE.identifier, extra: { principal: 'alice' } },
      })
    }
  })

  it('takes resource and identity as the challenges do: of the innermost guard, and of the one that named somebody', async () => {
    const verdict = { clientId: 'app' }
    const outer = { resource: protectedResource(RESOURCE) }
    const inner = {
      public: ['/mcp'],
      resource: protectedResource({ ...RESOURCE, identifier: 'https://b.example.com/' }),
    }
    expect(await inside(mcpAuthInfo, verdict, [outer, inner])).toMatchObject({
      clientId: 'app',
      resource: new URL('https://b.example.com'),
      resourceMetadataUrl: 'https://b.example.com/.well-known/oauth-protected-resource',
    })
    const without = await inside(mcpAuthInfo, verdict, [outer, { public: ['/mcp'] }])
    expect(without).not.toHaveProperty('resource')
  })

  it.each([
    ['no guard saw', () => Promise.resolve(mcpAuthInfo(get('/mcp', TOKEN)))],
    ['is a copy', () => inside((request) => mcpAuthInfo(new Request(request)))],
    ['comes to a public path', () => inside(mcpAuthInfo, {}, [{ public: ['/mcp'] }])],
    ['is denied in shadow mode', () => inside(mcpAuthInfo, {}, [{ mode: 'shadow' }], get('/mcp'))],
  ])('throws a TypeError for a request that %s', async (_what, call) => {
    await expect(async () => call()).rejects.toThrow(TypeError)
  })
})
