import { SWITCHING } from '../../gateway/exchange.ts'
import { fieldsOf, inOrder } from '../../gateway/field-names.ts'
import { describeRequest } from '../../gateway/node-call.ts'
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
  const { request: send } = process.getBuiltinModule(
    url.startsWith('https:') ? 'node:https' : 'node:http',
  )
  const { method, headers, ownHeaders, signal } = init
  const connection = ['connection', 'Upgrade', 'upgrade', 'websocket']
  const options = describeRequest(url, method, connection, new Map(inOrder(headers, ownHeaders)))
  return new Promise((resolve, reject) => {
    const request = send({ ...options, agent: false })
    const abort = (): void => void request.destroy(new Error('Aborted'))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    request.on('error', reject)
    request.on('response', (answer) => settle(answer, resolve, reject))
    request.on('upgrade', (answer, socket, head) => {
      // Node has removed its own listener, and an error without one would end the process.
      socket.on('error', () => socket.destroy())
      const fields = new Headers(fieldsOf(answer.rawHeaders))
      if (!isAccepted(headers.get('sec-websocket-key'), fields) || signal.aborted) {
        socket.destroy()
        return reject(noWebSocket())
      }
      signal.removeEventListener('abort', abort)
      keep({ socket, head })
      resolve({ status: SWITCHING, statusText: '', headers: fields, body: null })
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
    const headers = new Headers(fieldsOf(answer.rawHeaders))
    // A stream of Node's gives bytes.
    const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>
    resolve({ status, statusText, headers, body })
  } catch (error) {
    // Node's parser accepts some fields that `Headers` rejects.
    answer.destroy()
    reject(error)
  }
}
