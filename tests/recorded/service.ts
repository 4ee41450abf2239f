import { onComplete, startRawUpstream } from '../support/raw-upstream.ts'
import type { Socket } from 'node:net'
import type { UpstreamCall } from '../support/raw-upstream.ts'

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
export async function startRecordedService(answerTo: (call: Call) => Answer) {
  const { port, close } = await startRawUpstream((call) =>
    onComplete(call, () => void send(call.socket, answerTo(readCall(call)))),
  )
  return { port, stop: close }
}

function readCall({ line, fields, content }: UpstreamCall): Call {
  const [method = '', url = ''] = line.split(' ')
  const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]))
  return { method, url, headers, text: Buffer.from(content(), 'latin1').toString('utf8') }
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
