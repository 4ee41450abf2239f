import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { GENERATIONS, UnknownApplication } from './support/mcp-clients.ts'
import { onEach } from './support/served-program.ts'
import { issueToken, startOidcIssuer } from './support/oidc.ts'
import { send } from './support/http.ts'
import type { RunningServer } from './support/server-process.ts'

/** Clients of both generations of the MCP SDK log in at oidc-provider, and call servers of both on each runtime. */

const ORIGIN = 'https://mcp.example.com'
const SITES = [
  ['a path', `${ORIGIN}/mcp`, '/.well-known/oauth-protected-resource/mcp'],
  [
    'a path and a query',
    `${ORIGIN}/team?name=a`,
    '/.well-known/oauth-protected-resource/team?name=a',
  ],
  ['the root', `${ORIGIN}/`, '/.well-known/oauth-protected-resource'],
] as const

const FORGED = {
  host: 'evil.example',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'ftp',
  'x-forwarded-prefix': '/evil',
  forwarded: 'host=evil.example;proto=ftp',
  origin: 'https://evil.example',
}

let issuer: RunningServer

beforeAll(async () => void (issuer = await startOidcIssuer(inject('app'))))
afterAll(() => issuer.stop())

describe.each(onEach('mcp-notes.js', '--allow-env=ISSUER'))('on %s', (_name, start) => {
  let server: RunningServer
  beforeAll(async () => {
    server = await start(inject('app'), { ISSUER: issuer.url })
  })
  afterAll(() => server.stop())

  /** Sends what is for the public name of the servers to this one. Keeps the paths of documents. */
  function fetchBy(documents: string[]): typeof fetch {
    return (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      if (url.pathname.includes('/.well-known/')) documents.push(url.href)
      return fetch(url.origin === ORIGIN ? server.url + url.pathname + url.search : url, init)
    }
  }

  describe.each(Object.entries(GENERATIONS))('%s', (_generation, connect) => {
    it.each(SITES)(
      'finds the login of %s, and asks for more scopes when a tool needs them',
      async (_what, resource, path) => {
        const documents: string[] = []
        const { application, ...client } = await connect(resource, fetchBy(documents))
        const call = async (tool: string): Promise<unknown> => JSON.parse(await client.call(tool))
        const ofServer = documents.filter((url) => !url.startsWith(issuer.url))
        expect(new Set(ofServer)).toEqual(new Set([ORIGIN + path]))
        expect(application.asked).toMatchObject([
          { scope: 'notes:read', resource, code_challenge_method: 'S256' },
        ])
        const known = {
          token: '',
          clientId: 'notes-app',
          expiresAt: expect.any(Number),
          resource: new URL(resource).href,
          resourceMetadataUrl: ORIGIN + path,
          extra: { principal: 'alice', attributes: {} },
        }
        expect(await call('read')).toEqual({ ...known, scopes: ['notes:read'] })
        expect(await call('write')).toEqual({ ...known, scopes: ['notes:read', 'notes:write'] })
        expect(await call('read')).toMatchObject({ scopes: ['notes:read', 'notes:write'] })
        expect(application.asked.slice(1)).toMatchObject([
          { scope: 'notes:read notes:write', resource },
        ])
        await client.close()
      },
    )

    it('lets a client in that registers itself, but oidc-provider grants it no more later', async () => {
      const application = new UnknownApplication()
      const { call, close } = await connect(SITES[0][1], fetchBy([]), application)
      expect(JSON.parse(await call('read'))).toMatchObject({ scopes: ['notes:read'] })
      await expect(call('write')).rejects.toBeInstanceOf(Error)
      expect(application.returned?.searchParams.get('error')).toBe('invalid_scope')
      await close()
    })
  })

  it('rejects the token of another resource, and one without the scope', async () => {
    const [mcp, team, root] = SITES.map(([, resource]) => resource)
    const rest = `scope="notes:read", resource_metadata="${ORIGIN}${SITES[0][2]}"`
    expect(await list(mcp, 'notes:read')).toEqual([200, null])
    expect(await list(mcp, 'notes:write')).toEqual([
      403,
      `Bearer realm="api", error="insufficient_scope", ${rest}`,
    ])
    for (const other of [team, root, `${mcp}/`, `${mcp}/deeper`, 'https://mcp.example.org/mcp']) {
      const challenge = `Bearer realm="api", error="invalid_token", ${rest}`
      expect([other, await list(other, 'notes:read')]).toEqual([other, [401, challenge]])
    }
  })

  /** Lists the tools of the server at `/mcp` with a token for a resource. */
  async function list(resource = '', scope = ''): Promise<readonly [number, string | null]> {
    const headers = {
      authorization: `Bearer ${await issueToken(issuer, resource, scope)}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const response = await fetch(`${server.url}/mcp`, { method: 'POST', headers, body })
    await response.body?.cancel()
    return [response.status, response.headers.get('www-authenticate')]
  }

  it.each(SITES)(
    'takes nothing from Host and forwarding headers: %s',
    async (_what, resource, path) => {
      const document = await send(server.url, { target: path, headers: FORGED })
      expect([document.status, JSON.parse(document.body)]).toEqual([
        200,
        {
          resource,
          authorization_servers: [issuer.url],
          scopes_supported: ['notes:read', 'notes:write'],
          bearer_methods_supported: ['header'],
          resource_name: 'Notes',
          resource_documentation: 'https://mcp.example.com/help',
        },
      ])
      const target = resource.slice(ORIGIN.length) || '/'
      const rejected = await send(server.url, { method: 'POST', target, headers: FORGED, body: '' })
      expect([rejected.status, rejected.headers.get('www-authenticate')]).toEqual([
        401,
        [`Bearer realm="api", scope="notes:read", resource_metadata="${ORIGIN}${path}"`],
      ])
    },
  )
})
