import { createServer } from 'node:net'
import { close, listen } from './loopback.ts'
import type { Socket } from 'node:net'

/** The bytes of a request. */
export interface UpstreamCall {
  /** The first line. */
  readonly line: string
  /** In their original order and spelling. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** The bytes after the head so far, with their framing. */
  readonly content: () => string
  readonly socket: Socket
}

/** Answers a call. */
export type Play = (call: UpstreamCall) => void

export type RawUpstream = Awaited<ReturnType<typeof startRawUpstream>>

/**
 * Starts a server that records the bytes of requests and sends exact bytes. It reads one request per connection.
 *
 * @param usual Answers a path without a plan.
 */
export async function startRawUpstream(
  usual: Play = (call) => whenComplete(call, () => answer('200 OK', [], 'ok')),
) {
  const calls: UpstreamCall[] = []
  const plans = new Map<string, Play>()
  const server = createServer((socket) => {
    let bytes = ''
    let begun = false
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1')
      const end = bytes.indexOf('\r\n\r\n')
      if (begun || end === -1) return
      begun = true
      const call = parse(bytes.slice(0, end), () => bytes.slice(end + 4), socket)
      calls.push(call)
      const play = plans.get(pathOf(call)) ?? usual
      play(call)
    })
  })
  const port = await listen(server)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    /** Sets the response for a path, 200 by default. */
    plan: (path: string, play: Play): void => void plans.set(path, play),
    /** The calls for a path with any query. */
    callsFor: (path: string): UpstreamCall[] => calls.filter((call) => pathOf(call) === path),
    close: (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      return close(server)
    },
  }
}

/** Sends bytes after the whole request, then ends the connection. */
export function whenComplete(call: UpstreamCall, bytes: string | (() => string)): void {
  onComplete(call, () => {
    call.socket.end(typeof bytes === 'string' ? bytes : bytes(), 'latin1')
  })
}

export function onComplete(call: UpstreamCall, then: () => void): void {
  if (isComplete(call)) return then()
  call.socket.once('data', () => setImmediate(() => onComplete(call, then)))
}

/** The bytes of a response after which the connection ends. */
export function answer(status: string, fields: readonly string[], body = ''): string {
  const head = [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields]
  const names = fields.map((field) => field.toLowerCase())
  if (!names.some((field) => field.startsWith('connection:'))) head.push('Connection: close')
  return [...head, '', body].join('\r\n')
}

/** The joined values of a header in every spelling that some server accepts. */
export function fieldOf({ fields }: UpstreamCall, name: string): string | undefined {
  const fold = (text: string): string => text.toLowerCase().replace(/[^a-z\d]/g, '-')
  const values = fields.filter(([spelling]) => fold(spelling) === fold(name))
  return values.length === 0 ? undefined : values.map(([, value]) => value).join(', ')
}

/** The content without its framing. */
export function bodyOf(call: UpstreamCall): string {
  if (fieldOf(call, 'transfer-encoding') === undefined) return call.content()
  const chunks = call.content().split('\r\n')
  return chunks.filter((_, index) => index % 2 === 1).join('')
}

function isComplete(call: UpstreamCall): boolean {
  if (fieldOf(call, 'transfer-encoding') !== undefined) return call.content().endsWith('0\r\n\r\n')
  return call.content().length >= Number(fieldOf(call, 'content-length') ?? 0)
}

function parse(head: string, content: () => string, socket: Socket): UpstreamCall {
  const [line = '', ...rest] = head.split('\r\n')
  const fields = rest.map((field) => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon), field.slice(colon + 1).trim()] as const
  })
  return { line, fields, content, socket }
}

function pathOf({ line }: UpstreamCall): string {
  return line.split(' ')[1]?.split('?')[0] ?? ''
}
