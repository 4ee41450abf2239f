import { connect } from 'node:net'
import { parseFields } from '../support/http.ts'

/** The response on a connection. */
export interface RawResponse {
  readonly status: number
  /** By lower-case name, each value that was sent. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

// After SILENCE_MS the client ends its side, for a server that waits for more. After GIVE_UP_MS more it closes.
const SILENCE_MS = 8_000
const GIVE_UP_MS = 2_000

/** Sends the bytes on a new connection and reads one response. `undefined` if no complete head came. */
export function exchange(url: string, bytes: Buffer): Promise<RawResponse | undefined> {
  const { hostname, port } = new URL(url)
  const isHead = bytes.subarray(0, 5).toString('latin1') === 'HEAD '
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(Number(port), hostname)
    const finish = (): void => {
      clearTimeout(silence)
      clearTimeout(giveUp)
      socket.destroy()
      resolve(parseResponse(received)?.response)
    }
    const silence = setTimeout(() => socket.end(), SILENCE_MS)
    const giveUp = setTimeout(finish, SILENCE_MS + GIVE_UP_MS)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      received += chunk
      const parsed = parseResponse(received)
      if (parsed !== undefined && (isHead || parsed.isWhole)) finish()
    })
    // An error is a connection that the server closed while it was still being written to.
    socket.once('error', finish)
    socket.once('close', finish)
    socket.write(bytes)
  })
}

function parseResponse(text: string): { response: RawResponse; isWhole: boolean } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const fields = parseFields(lines)
  const body = text.slice(end + 4)
  const response = { status: Number(statusLine.split(' ')[1]), fields, body }
  return { response, isWhole: isWhole(response) }
}

function isWhole({ fields, body }: RawResponse): boolean {
  if (fields.has('transfer-encoding')) return body.endsWith('0\r\n\r\n')
  const length = fields.get('content-length')?.[0]
  return length !== undefined && body.length >= Number(length)
}
