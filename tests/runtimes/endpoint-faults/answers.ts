import type { Socket } from 'node:net'
import type { Fault } from './fault-server.ts'

/** In every header and body that must not reach the client. */
export const MARKER = 'ENDPOINT-MARKER'

export const ALICE = JSON.stringify({ principal: 'alice' })
export const LINE_200 = 'HTTP/1.1 200 OK'
export const CHUNKED = { 'transfer-encoding': 'chunked' }
export const LONG = { 'content-length': 1_000_000 }

type Content = string | Buffer
type Fields = Readonly<Record<string, string | number>>

/** A response in the syntax of RFC 9112. Nothing checks its parts. */
export function response(statusLine: string, fields: Fields = {}, body: Content = ''): Buffer {
  const length = Buffer.byteLength(body)
  return unframed(statusLine, { 'content-length': length, ...fields }, body)
}

/** The same without a `content-length`. */
export function unframed(statusLine: string, fields: Fields = {}, body: Content = ''): Buffer {
  const lines = Object.entries({ 'x-marker': MARKER, ...fields }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const head = Buffer.from(`${statusLine}\r\n${lines.join('')}\r\n`, 'latin1')
  return Buffer.concat([head, Buffer.from(body)])
}

/** A 200 that names alice, or has another body. */
export function ok(body: Content = ALICE, fields: Fields = {}): Buffer {
  return response(LINE_200, { 'content-type': 'application/json', ...fields }, body)
}

/** One chunk of a body that comes in chunks. */
export function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

/** Writes the same for every question, and keeps the connection. */
export function always(...parts: readonly Content[]): Fault {
  const bytes = join(parts)
  return { onQuestion: (socket) => socket.write(bytes) }
}

/** Writes the same for every question, which is not the whole of an answer, and waits. */
export function unfinished(...parts: readonly Content[]): Fault {
  return { ...always(...parts), endless: true }
}

/** Writes the same for every question, and closes the connection. */
export function once(...parts: readonly Content[]): Fault {
  const bytes = join(parts)
  return { onQuestion: (socket) => socket.end(bytes) }
}

function join(parts: readonly Content[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)))
}

/** Writes something, then a piece again and again, and never an end. */
export function dripping(bytes: Content, piece: Content, everyMs = 20): Fault {
  return { onQuestion: (socket) => drip(socket, bytes, piece, everyMs), endless: true }
}

function drip(socket: Socket, bytes: Content, piece: Content, everyMs: number): void {
  socket.write(bytes)
  const timer = setInterval(() => socket.write(piece), everyMs)
  // An end from the other side is the end, too: nothing is left to write for.
  for (const end of ['close', 'end', 'finish']) socket.on(end, () => clearInterval(timer))
}

/** Writes something, then pieces as fast as they are taken. */
export function flooding(bytes: Content, piece: Content): Fault {
  return {
    endless: true,
    onQuestion: (socket) => {
      const flood = (): void => {
        while (socket.writable && socket.write(piece));
      }
      socket.write(bytes)
      socket.on('drain', flood)
      flood()
    },
  }
}

/** The pieces one after the other, with a while between them. */
export function inPieces(pieces: readonly Content[], everyMs: number): Fault {
  return {
    onQuestion: (socket) => {
      const timers = pieces.map((piece, index) =>
        setTimeout(() => socket.writable && socket.write(piece), index * everyMs),
      )
      socket.on('close', () => timers.forEach(clearTimeout))
    },
  }
}
