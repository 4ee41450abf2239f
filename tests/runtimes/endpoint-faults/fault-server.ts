import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { close, listen } from '../../support/loopback.ts'
import type { Server, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'

/** A question that came in on a connection. */
export interface Asked {
  readonly token: string
  /** The how manieth of its connection, from 1. */
  readonly turn: number
}

/** The behaviour of an endpoint, in bytes. */
export interface Fault {
  /** When a connection opens, before anything was asked on it. */
  readonly onConnection?: (socket: Socket) => unknown
  /** When a whole question has come. */
  readonly onQuestion?: (socket: Socket, asked: Asked) => unknown
  readonly tls?: TlsOptions
  /** No answer ever ends, so that a connection that something came on can be of no more use. */
  readonly endless?: true
}

const HEAD_END = '\r\n\r\n'

export type FaultServer = Awaited<ReturnType<typeof startFaultServer>>

/** Starts a server that speaks no more HTTP than its fault says. */
export async function startFaultServer(given: Fault) {
  let fault = given
  const questions: Asked[] = []
  const open = new Set<Socket>()
  let sentBefore = 0
  const serve = (socket: Socket): void => {
    socket.on('error', () => socket.destroy())
    fault.onConnection?.(socket)
    readQuestions(socket, (asked) => {
      questions.push(asked)
      fault.onQuestion?.(socket, asked)
    })
  }
  const server = createServer(fault, serve)
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => {
      open.delete(socket)
      sentBefore += taken(socket)
    })
  })
  const port = await listen(server)
  return {
    port,
    /** Behaves by another fault during some work, and forgets what came then. */
    during: async (other: Fault, work: () => Promise<unknown>): Promise<void> => {
      fault = other
      await work()
      fault = given
      for (const socket of open) socket.destroy()
      questions.length = 0
    },
    /** The questions that came, in order. */
    questions,
    openSockets: () => open.size,
    /** Those of them that anything came on. */
    usedSockets: () => [...open].filter(({ bytesRead }) => bytesRead > 0).length,
    /** The bytes that clients or their sockets have taken. */
    sentBytes: () => [...open].reduce((sum, socket) => sum + taken(socket), sentBefore),
    close: (): Promise<void> => {
      const closed = close(server)
      for (const socket of open) socket.destroy()
      return closed
    },
  }
}

function createServer({ tls }: Fault, serve: (socket: Socket) => void): Server {
  if (tls === undefined) return createTcpServer({ allowHalfOpen: true, noDelay: true }, serve)
  const server = createTlsServer(tls, serve)
  // The errors that a client causes when it ends a handshake.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

function taken(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength
}

function readQuestions(socket: Socket, report: (asked: Asked) => void): void {
  let received = Buffer.alloc(0)
  let turn = 0
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (;;) {
      const end = endOfRequest(received)
      if (end === undefined) return
      turn += 1
      report({ token: readToken(received.subarray(0, end)), turn })
      received = received.subarray(end)
    }
  })
  // A connection that only one side has closed would look like a leak.
  socket.on('end', () => socket.end())
}

function endOfRequest(received: Buffer): number | undefined {
  const headEnd = received.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const length = /^content-length: *(\d+)/im.exec(received.toString('latin1', 0, headEnd))?.[1]
  const end = headEnd + HEAD_END.length + Number(length ?? 0)
  return received.length < end ? undefined : end
}

function readToken(request: Buffer): string {
  const body = request.toString('utf8', request.indexOf(HEAD_END) + HEAD_END.length)
  return /"api_key":"([^"]*)"/.exec(body)?.[1] ?? ''
}
