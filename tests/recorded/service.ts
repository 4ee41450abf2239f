import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Each character is a byte. */
  readonly body?: string
  /** Exact bytes in place of all that. */
  readonly raw?: string
  /** The headers as they stand, without a `Content-Type` of ours. */
  readonly bare?: boolean
  readonly delayMs?: number
  readonly bodyDelayMs?: number
}

export interface Call {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** The delays of a recording are shortened, and so is the time limit. */
export const SHORTENED = 5

/** Starts a service on this machine that answers each call with recorded bytes. */
export async function startService(answerTo: (call: Call) => Answer) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let received = ''
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const call = readCall(received)
      if (call === undefined) return
      received = ''
      void send(socket, answerTo(call))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { port, stop }
}

function readCall(received: string): Call | undefined {
  const [head = '', ...rest] = received.split('\r\n\r\n')
  const text = rest.join('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
    }),
  )
  if (rest.length === 0 || text.length < Number(headers['content-length'] ?? 0)) return undefined
  const [method = '', url = ''] = line.split(' ')
  return { method, url, headers, text: Buffer.from(text, 'latin1').toString('utf8') }
}

async function send(socket: Socket, answer: Answer): Promise<void> {
  const { status = 200, headers = {}, body = '', raw, delayMs, bodyDelayMs } = answer
  if (delayMs !== undefined) await pause(delayMs / SHORTENED)
  if (raw !== undefined) return void socket.end(raw, 'latin1')
  const fields = Object.entries({
    ...(body !== '' && { 'content-type': 'application/json' }),
    ...headers,
    'content-length': body.length,
    connection: 'close',
  })
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`HTTP/1.1 ${status} X\r\n${lines}\r\n`)
  if (bodyDelayMs !== undefined) await pause(bodyDelayMs / SHORTENED)
  socket.end(body, 'latin1')
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
