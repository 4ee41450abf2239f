import { createServer as createTcpServer } from 'node:net'
import { onTestFinished } from 'vitest'
import { nodeTransport } from '../../src/node.ts'
import { close, listen } from './loopback.ts'
import type { Server, Socket } from 'node:net'
import type { Transport, TransportInit, TransportResponse } from '../../src/index.ts'

/** Servers that end with their test, and calls to them over `nodeTransport`. */

export const BODY = '{"api_key":"the-token"}'
export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
export const LATE_MS = 10_000

/** The two ways to send the POST on Node. */
export const WAYS = [
  ['fetch', {}],
  ['nodeTransport', { fetch: nodeTransport() }],
] as const

/** Serves until the end of the test. `sockets` has the open ones. */
export async function run(server: Server) {
  const sockets = new Set<Socket>()
  const counts = { accepted: 0 }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    counts.accepted += 1
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  onTestFinished(async () => {
    const closed = close(server)
    for (const socket of sockets) socket.destroy()
    await closed
  })
  return { port: await listen(server), sockets, counts }
}

/** Starts a server that records each question and answers with exact bytes. */
export async function runTcp(answer: (socket: Socket, count: number) => unknown) {
  const questions: string[] = []
  const server = createTcpServer((socket) => {
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      const received = chunk.toString()
      // undici may write head and body separately.
      if (!received.includes('api_key')) return
      questions.push(received)
      answer(socket, questions.length)
    })
  })
  return { ...(await run(server)), questions }
}

export function post(
  port: number,
  given: Partial<TransportInit> = {},
  transport: Transport = nodeTransport(),
): Promise<TransportResponse> {
  return transport(`http://127.0.0.1:${port}/validate?a=b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
    redirect: 'manual',
    signal: new AbortController().signal,
    ...given,
  })
}

export async function read({ body }: TransportResponse): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of body as AsyncIterable<Uint8Array>) parts.push(part)
  return Buffer.concat(parts).toString()
}
