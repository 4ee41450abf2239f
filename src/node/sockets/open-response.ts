import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The response to an earlier request that a connection still has to send. */
export function openResponseOf(socket: Socket): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage')
  return isResponse(response) ? response : undefined
}

/** Calls `proceed` once the response is sent. Not if the connection ended with it. */
export function waitForResponse(
  response: ServerResponse,
  socket: Socket,
  proceed: () => void,
): void {
  const drain = (): unknown => response.emit('drain')
  // Node did this until it handed the connection over. An error without a listener would end the process.
  socket.on('drain', drain).on('error', destroy)
  // Otherwise a response that a slow client takes at last would make bytes flow that nobody reads yet.
  Reflect.set(socket, '_paused', false)
  response.once('close', () => {
    if (!socket.writable) return
    socket.off('drain', drain).off('error', destroy)
    // It has begun to wait for the next request.
    socket.setTimeout(0)
    proceed()
  })
}

function destroy(this: Socket): void {
  this.destroy()
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value
}
