import { openConnection } from './raw-connection.ts'
import { tokenFor } from './told-endpoint.ts'
import { TOKEN } from '../../support/token.ts'
import type { RawConnection } from './raw-connection.ts'

export type Framing = 'content-length' | 'chunked'

/** A request to `servers/bodies.js`. */
export interface BodyRequest {
  readonly path: string
  /** The framing of a body, which the test sends later. Default: no body. */
  readonly framing?: Framing
  readonly bytes?: number
  /** `null` for no token at all. */
  readonly token?: string | null
  /** Which guard to use. Default: `ours`. */
  readonly guard?: Guard
  /** The handler prints it on each of its lines. */
  readonly id?: string
}

/** `withAuth`, none, or the few lines that a user would write without the package. */
export type Guard = 'ours' | 'none' | 'by-hand'

/** How HTTP/1.1 announces a body, and sends a part of it. */
export const FRAMINGS = {
  'content-length': {
    field: (bytes: number) => `content-length: ${bytes}`,
    frame: (part: Uint8Array) => part,
  },
  chunked: {
    field: () => 'transfer-encoding: chunked',
    frame: (part: Uint8Array) => {
      const size = part.length.toString(16)
      return Buffer.concat([Buffer.from(`${size}\r\n`), part, Buffer.from('\r\n')])
    },
  },
} as const satisfies Record<Framing, object>

/** Opens a connection, and sends the head of a request on it. */
export async function beginRequest(url: string, request: BodyRequest): Promise<RawConnection> {
  const { path, framing, bytes = 1000, token = tokenFor(TOKEN, 0) } = request
  const connection = await openConnection(url)
  const lines = [
    `${framing === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    `x-guard: ${request.guard ?? 'ours'}`,
    `x-id: ${request.id ?? ''}`,
    ...(token === null ? [] : [`authorization: Bearer ${token}`]),
    ...(framing === undefined ? [] : [FRAMINGS[framing].field(bytes)]),
  ]
  await connection.write(`${lines.join('\r\n')}\r\n\r\n`)
  return connection
}

/** The response to a request for `/status`, with its head. */
export async function askStatus(url: string, token?: string): Promise<string> {
  const request = { path: '/status', ...(token === undefined ? {} : { token }) }
  const connection = await beginRequest(url, request)
  const answer = await connection.readThrough('}')
  await connection.leave()
  return answer
}
