import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Socket } from 'node:net'

/** Sends bytes on a new connection and reads until the server closes it. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = await openSocket(port)
  socket.write(bytes, 'latin1')
  return (await buffer(socket)).toString('latin1')
}

/** A connection to a server on this machine. It fails after ten seconds without a byte. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(10_000, () =>
    socket.destroy(new Error('The server neither answers nor closes')),
  )
  await once(socket, 'connect')
  return socket
}

/** The bytes of a request head with these header lines. */
export function head(requestLine: string, ...fields: readonly string[]): string {
  return [`${requestLine} HTTP/1.1`, ...fields, '', ''].join('\r\n')
}

const PART = Buffer.alloc(65_536)

/** Sends without an end, as fast as the other side reads. */
export function flood(socket: Socket): void {
  socket.on('error', () => undefined)
  const send = (): void => {
    while (socket.write(PART));
  }
  socket.on('drain', send)
  send()
}

/** Waits until a number of bytes stays the same, which it does once the buffers of the system are full. */
export async function expectStill(count: () => number | undefined): Promise<void> {
  const isStill = async (): Promise<boolean> => {
    const before = count()
    await sleep(300)
    return before === count()
  }
  await expect.poll(isStill, { timeout: 8_000 }).toBe(true)
}
