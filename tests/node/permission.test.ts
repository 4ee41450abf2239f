import { createServer } from 'node:http'
import { expect, it, vi } from 'vitest'
import { protectedResource } from '../../src/mcp.ts'
import { createNodeAuthenticator, withUpgradeAuth } from '../../src/node.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { head, sendRaw } from '../support/raw-client.ts'
import { allow } from '../support/route-checks.ts'
import { run } from '../support/tcp-endpoint.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'
import type { UpgradeListener } from '../../src/node.ts'

/** Permissions of callers, the metadata of a resource, and addresses behind proxies, on Node's own server. */

const PATH = '/.well-known/oauth-protected-resource/mcp'
const METADATA = `resource_metadata="https://mcp.example.com${PATH}"`
const resource = protectedResource({
  identifier: 'https://mcp.example.com/mcp',
  authorizationServers: ['https://login.example.com'],
  require: ['mcp:read'],
})
const authorize: AuthConfig['authorize'] = ({ path }) => path !== '/admin'
const config = allow({ principal: 'bob', scopes: ['mcp:read'] }, { resource, authorize })
const TOKEN = 'Authorization: Bearer k1'
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket']

/** The answers of a guarded server to a request, and to the upgrade with the same head. */
async function ask(options: AuthConfig, line: string, ...fields: string[]): Promise<string[]> {
  const authenticate = createNodeAuthenticator(options)
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const result = await authenticate(incoming)
    if (result.ok) return void outgoing.end()
    const { status, headers } = result.response
    outgoing.writeHead(status, [...headers].flat()).end(await result.response.text())
  }
  const listener = vi.fn<UpgradeListener>((_incoming, socket) => socket.end('HTTP/1.1 101 X\r\n'))
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))
  const { port } = await run(server.on('upgrade', withUpgradeAuth(listener, options)))
  const send = (...more: string[]) => sendRaw(port, head(line, 'Host: h', ...more, ...fields))
  const answers = [await send('Connection: close'), await send(...UPGRADE)]
  expect(listener).toHaveBeenCalledTimes(answers[1]?.includes(' 101 ') === true ? 1 : 0)
  return answers
}

it('a caller who may not gets 403 with its reason', async () => {
  for (const forbidden of await ask(config, 'GET /admin', TOKEN)) {
    expect(forbidden).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(forbidden).toContain('"code":"forbidden"')
    expect(forbidden).not.toMatch(/^www-authenticate/im)
  }
  for (const narrow of await ask(allow({ principal: 'bob' }, { resource }), 'GET /', TOKEN)) {
    expect(narrow).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(narrow).toContain(
      `Bearer realm="api", error="insufficient_scope", scope="mcp:read", ${METADATA}`,
    )
  }
  const [passed, switched] = await ask(config, 'GET /', TOKEN)
  expect(passed).toContain(' 200 ')
  expect(switched).toContain(' 101 ')
})

it('the metadata is public, with a token or without', async () => {
  for (const fields of [[], [TOKEN]]) {
    for (const document of await ask(config, `GET ${PATH}`, ...fields, 'X-Forwarded-Host: evil')) {
      expect(document).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(document).toContain('"resource":"https://mcp.example.com/mcp"')
      expect(document).not.toContain('evil')
    }
  }
  const [, options] = await ask(config, `OPTIONS ${PATH}`)
  expect(options).toMatch(/^HTTP\/1\.1 204 No Content\r\n/)
})

it.each([
  ['127.0.0.0/8', /^HTTP\/1\.1 (?:200|101) /],
  ['10.0.0.0/8', /^HTTP\/1\.1 403 /],
])('a proxy that must be in %s gets %s by its address', async (network, start) => {
  const trusting: AuthConfig = {
    ...fromUpstream({ principalHeader: 'x-user', proof: { addresses: [network] } }),
    context: {
      clientAddress: (_request, incoming: IncomingMessage) => incoming.socket.remoteAddress,
    },
  }
  for (const answer of await ask(trusting, 'GET /', 'X-User: alice')) expect(answer).toMatch(start)
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
