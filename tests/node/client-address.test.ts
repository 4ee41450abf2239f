import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createNodeAuthenticator, withUpgradeAuth } from '../../src/node.ts'
import { fromUpstream } from '../../src/verifiers.ts'
import { close, listen } from '../support/loopback.ts'
import { head, sendRaw } from '../support/raw-client.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AuthConfig } from '../../src/index.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
})

function serve(server: Server): Promise<number> {
  servers.push(server)
  return listen(server)
}

function trusting(network: string): AuthConfig {
  return {
    ...fromUpstream({ principalHeader: 'x-user', proof: { addresses: [network] } }),
    context: {
      clientAddress: (_request, incoming: IncomingMessage) => incoming.socket.remoteAddress,
    },
  }
}

const FIELDS = ['Host: h', 'X-User: alice']

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
    const received = await sendRaw(port, head('GET /', 'Connection: close', ...FIELDS))
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
    const fields = ['Connection: Upgrade', 'Upgrade: websocket', ...FIELDS]
    expect(await sendRaw(port, head('GET /', ...fields))).toContain(start)
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
