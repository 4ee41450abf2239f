import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The response to an earlier request that a connection still has to send. */
export function openResponseOf(socket: Socket): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage')
  return isResponse(response) ? response : undefined
}

/** Calls `proceed` once the responses to all earlier requests are sent. Not if the connection ended with one. */
export function afterResponses(socket: Socket, proceed: () => void): void {
  const response = openResponseOf(socket)
  if (response === undefined) return proceed()
  const drain = (): unknown => response.emit('drain')
  // Node did this until it handed the connection over. An error without a listener would end the process.
  socket.on('drain', drain).on('error', destroy)
  // Otherwise the end of a slow response would resume the socket before a parser reads it.
  Reflect.set(socket, '_paused', false)
  response.once('close', () => {
    if (!socket.writable) return
    socket.off('drain', drain).off('error', destroy)
    // It has begun to wait for the next request.
    socket.setTimeout(0)
    afterResponses(socket, proceed)
  })
}

function destroy(this: Socket): void {
  this.destroy()
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value
}
