import { SWITCHING } from '../../gateway/exchange.ts'
import { linesOf } from '../../gateway/field-names.ts'
import { isAccepted } from './handshake.ts'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { UpstreamRequest, UpstreamResponse } from '../../gateway/exchange.ts'

/** A connection to an upstream that has become a WebSocket, and the first bytes that came with the response. */
export interface Switched {
  readonly socket: Duplex
  readonly head: Buffer
}

/**
 * Sends a handshake on a connection of its own. Calls `keep` and answers 101 if the upstream accepts it. Any other response is
 * returned as it is.
 */
export function shakeHands(
  url: string,
  init: UpstreamRequest,
  keep: (switched: Switched) => void,
): Promise<UpstreamResponse> {
  const { protocol, hostname, port, host, origin } = new URL(url)
  const { request: send } = process.getBuiltinModule(
    protocol === 'https:' ? 'node:https' : 'node:http',
  )
  const switching = ['connection', 'Upgrade', 'upgrade', 'websocket']
  const { headers, method, signal } = init
  return new Promise((resolve, reject) => {
    const request = send({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      method,
      // The text of the path, as the decision was about it.
      path: url.slice(origin.length),
      headers: linesOf(host, switching, init),
      agent: false,
      insecureHTTPParser: false,
    })
    const abort = (): void => void request.destroy(new Error('Aborted'))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    request.on('error', reject)
    request.on('response', (answer) => settle(answer, resolve, reject))
    request.on('upgrade', (answer, socket, head) => {
      // Node has removed its own listener, and an error without one would end the process.
      socket.on('error', () => socket.destroy())
      const isWanted = isAccepted(headers.get('sec-websocket-key'), fieldsOf(answer))
      if (!isWanted || signal.aborted) {
        socket.destroy()
        return reject(noWebSocket())
      }
      signal.removeEventListener('abort', abort)
      keep({ socket, head })
      resolve({ status: SWITCHING, statusText: '', headers: fieldsOf(answer), body: null })
    })
    request.end()
  })
}

function noWebSocket(): Error {
  return Object.assign(new Error('No WebSocket'), { code: 'NO_WEBSOCKET' })
}

function settle(
  answer: IncomingMessage,
  resolve: (response: UpstreamResponse) => void,
  reject: (error: unknown) => void,
): void {
  const { Readable } = process.getBuiltinModule('node:stream')
  const { statusCode: status = 0, statusMessage: statusText = '' } = answer
  if (status === SWITCHING) {
    answer.destroy()
    return reject(noWebSocket())
  }
  try {
    const headers = fieldsOf(answer)
    // A stream of Node's gives bytes.
    const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>
    resolve({ status, statusText, headers, body })
  } catch (error) {
    // Node's parser accepts some fields that `Headers` rejects.
    answer.destroy()
    reject(error)
  }
}

function fieldsOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  rawHeaders.forEach((name, index) => {
    if (index % 2 === 0) headers.append(name, rawHeaders[index + 1] ?? '')
  })
  return headers
}
