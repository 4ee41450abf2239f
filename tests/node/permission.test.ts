import { createServer } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createNodeAuthenticator, withUpgradeAuth } from '../../src/node.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { close, listen } from '../support/loopback.ts'
import { head, sendRaw } from '../support/raw-client.ts'
import { allow } from '../support/route-checks.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
import type { NodeAuthenticator, UpgradeListener } from '../../src/node.ts'

/** Permissions of callers, the metadata of a resource, and addresses behind proxies, on Node's own server. */

const PATH = '/.well-known/oauth-protected-resource/mcp'
const config: AuthConfig = allow(
  { principal: 'bob', scopes: ['mcp:read'] },
  {
    resource: protectedResource({
      identifier: 'https://mcp.example.com/mcp',
      authorizationServers: ['https://login.example.com'],
      require: ['mcp:read'],
    }),
    authorize: ({ path }) => path !== '/admin',
  },
)
const needy = allow({ principal: 'bob' }, config.resource ? { resource: config.resource } : {})
const METADATA = `resource_metadata="https://mcp.example.com${PATH}"`
const TOKEN = 'Authorization: Bearer k1'
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket']

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
})

function serve(server: Server): Promise<number> {
  servers.push(server)
  return listen(server)
}

describe('createNodeAuthenticator', () => {
  const authenticate = createNodeAuthenticator(config)
  const decide = (url: string, token?: string, authenticator: NodeAuthenticator = authenticate) =>
    authenticator({
      method: 'GET',
      url,
      headers: { host: 'evil.example', ...(token && { authorization: `Bearer ${token}` }) },
      rawHeaders: ['host', 'evil.example', ...(token ? ['authorization', `Bearer ${token}`] : [])],
    } as unknown as Parameters<NodeAuthenticator>[0])

  it('returns the metadata as a response that is not the decision about a caller', async () => {
    for (const token of [undefined, 'k1']) {
      const result = await decide(PATH, token)
      expect(result).toMatchObject({ ok: false, reason: 'resource_metadata' })
      const document: unknown = result.ok ? undefined : await result.response.json()
      expect(document).toMatchObject({ resource: 'https://mcp.example.com/mcp' })
      expect(JSON.stringify(document)).not.toContain('evil')
    }
  })

  it('returns 403 with its reason', async () => {
    expect(await decide('/admin', 'k1')).toMatchObject({
      ok: false,
      reason: 'forbidden',
      response: { status: 403 },
    })
    const result = await decide('/', 'k1', createNodeAuthenticator(needy))
    expect(result).toMatchObject({ ok: false, reason: 'insufficient_scope' })
    expect(result.ok ? '' : result.response.headers.get('www-authenticate')).toBe(
      `Bearer realm="api", error="insufficient_scope", scope="mcp:read", ${METADATA}`,
    )
    expect(await decide('/', 'k1')).toMatchObject({ ok: true, auth: { principal: 'bob' } })
  })
})

describe('withUpgradeAuth', () => {
  async function upgrade(line: string, options: AuthConfig, ...fields: string[]): Promise<string> {
    const listener = vi.fn<UpgradeListener>((_incoming, socket) => socket.end('HTTP/1.1 101 X\r\n'))
    const server = createServer()
    server.on('upgrade', withUpgradeAuth(listener, options))
    const port = await serve(server)
    const received = await sendRaw(port, head(line, 'Host: h', ...UPGRADE, ...fields))
    expect(listener).toHaveBeenCalledTimes(received.includes(' 101 ') ? 1 : 0)
    return received
  }

  it('rejects a caller who may not, and does not call the listener', async () => {
    const forbidden = await upgrade('GET /admin', config, TOKEN)
    expect(forbidden).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(forbidden).toContain('"code":"forbidden"')
    expect(forbidden).not.toMatch(/^www-authenticate/im)
    const narrow = await upgrade('GET /', needy, TOKEN)
    expect(narrow).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(narrow).toContain(`scope="mcp:read", ${METADATA}`)
    expect(await upgrade('GET /', config, TOKEN)).toContain(' 101 ')
  })

  it('answers for the metadata, and does not upgrade', async () => {
    const document = await upgrade(`GET ${PATH}`, config)
    expect(document).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(document).toContain('"resource":"https://mcp.example.com/mcp"')
    // RFC 9110 §8.6: a 204 has no Content-Length.
    const options = await upgrade(`OPTIONS ${PATH}`, config)
    expect(options).toMatch(/^HTTP\/1\.1 204 No Content\r\n/)
    expect(options).not.toMatch(/^content-length/im)
  })
})

function trusting(network: string): AuthConfig {
  return {
    ...fromUpstream({ principalHeader: 'x-user', proof: { addresses: [network] } }),
    context: {
      clientAddress: (_request, incoming: IncomingMessage) => incoming.socket.remoteAddress,
    },
  }
}

describe('context.clientAddress on Node', () => {
  it.each([
    ['127.0.0.0/8', 'HTTP/1.1 200 '],
    ['10.0.0.0/8', 'HTTP/1.1 403 '],
  ])('a proxy in %s gets %s', async (network, start) => {
    const authenticate = createNodeAuthenticator(trusting(network))
    const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
      const result = await authenticate(incoming)
      outgoing.writeHead(result.ok ? 200 : result.response.status).end()
    }
    const port = await serve(createServer((incoming, outgoing) => void answer(incoming, outgoing)))
    const received = await sendRaw(
      port,
      head('GET /', 'Host: h', 'Connection: close', 'X-User: alice'),
    )
    expect(received).toContain(start)
  })

  it.each([
    ['127.0.0.0/8', 'HTTP/1.1 101 '],
    ['10.0.0.0/8', 'HTTP/1.1 403 '],
  ])('an upgrade by a proxy in %s gets %s', async (network, start) => {
    const guarded = withUpgradeAuth(
      (_incoming, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      () => trusting(network),
    )
    const port = await serve(createServer().on('upgrade', guarded))
    const bytes = head('GET /', 'Host: h', ...UPGRADE, 'X-User: alice')
    expect(await sendRaw(port, bytes)).toContain(start)
  })

  it('a config function gets no request in place of its default', async () => {
    const authenticate = createNodeAuthenticator((env: object = { AUTH_REALM: 'mine' }) => ({
      endpoint: 'http://127.0.0.1:9',
      realm: String(Reflect.get(env, 'AUTH_REALM')),
    }))
    const result = await authenticate({ method: 'GET', url: '/', rawHeaders: [] })
    const challenge = result.ok ? '' : result.response.headers.get('www-authenticate')
    expect(challenge).toBe('Bearer realm="mine"')
  })
})
