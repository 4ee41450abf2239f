import { createServer } from 'node:http'
import { afterEach, beforeEach } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { startEndpointWithKeys } from '../../support/auth-endpoint.ts'
import { close, listen } from '../../support/loopback.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { accept } from '../../support/socket-gateway.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { TOKEN } from '../../support/token.ts'
import type { RequestListener, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { EndpointWithKeys } from '../../support/auth-endpoint.ts'

/** The key that the endpoint of these tests allows. */
export const KEY = `sk-${TOKEN}`

/** Gives each test an auth endpoint, an upstream that answers like this, and an empty folder. */
export function setupGateway(answer: RequestListener) {
  const inFolder = setupFolder()
  const reached: (string | undefined)[] = []
  let upstream: Server
  let upstreamUrl: string
  let endpoint: EndpointWithKeys
  beforeEach(async () => {
    reached.length = 0
    upstream = createServer((request, response) => {
      reached.push(request.url)
      answer(request, response)
    })
    upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
    endpoint = await startEndpointWithKeys({ [KEY]: 'alice' })
  })
  afterEach(async () => {
    await stopCommands()
    await endpoint.close()
    await close(upstream)
  })
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    serveCommand(gatewayCommand, ['--upstream', upstreamUrl, ...args], env)
  return {
    inFolder,
    /** The targets of the requests that the upstream got. */
    reached,
    upstream: () => upstream,
    /** Makes the upstream accept WebSockets, and send every byte back. */
    acceptSockets: (): void => {
      upstream.on('upgrade', ({ headers }, socket: Socket) => {
        socket.on('error', () => undefined)
        const fields = [['sec-websocket-key', headers['sec-websocket-key'] ?? ''] as const]
        accept({ line: '', fields, content: () => '', socket })
        socket.pipe(socket)
      })
    },
    upstreamUrl: () => upstreamUrl,
    endpoint: () => endpoint,
    start,
    /** Starts the gateway with the endpoint in its environment. */
    startGuarded: async (...args: readonly string[]) => {
      const gateway = start(args, { AUTH_ENDPOINT: endpoint.url })
      return { ...gateway, url: await gateway.listening() }
    },
  }
}

export function call(url: string, key?: string): Promise<Response> {
  return fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } })
}
