import { openConnection } from '../../support/raw-client.ts'
import { tokenFor } from '../../support/auth-endpoint.ts'
import { NODES } from './binaries.ts'
import { onBun, onDeno, onNode, onSrvx, onWorkerd } from './served-program.ts'
import { TOKEN } from '../../support/token.ts'
import type { RawConnection } from '../../support/raw-client.ts'
import type { Start } from './served-program.ts'

/** A runtime that serves `servers/bodies.js`. */
interface BodyServer {
  readonly name: string
  /** How a handler learns that the client of a stream is gone. */
  readonly tells: readonly string[]
  readonly start: Start
}

const BOTH = ['ABORTED', 'CANCELLED']

const node = NODES.filter(({ name }) => name === 'Node 24').flatMap((binary): BodyServer[] => [
  {
    name: `${binary.name} with @hono/node-server`,
    tells: BOTH,
    start: onNode(binary, '@hono/node-server', 'bodies.js'),
  },
  { name: `${binary.name} with srvx`, tells: BOTH, start: onSrvx(binary, 'bodies.js') },
])

export const BODY_SERVERS: readonly BodyServer[] = [
  ...node,
  { name: 'Bun', tells: BOTH, start: onBun('bodies.js') },
  { name: 'Deno', tells: BOTH, start: onDeno('bodies.js') },
  // Its `request.signal` aborts with the flag `enable_request_signal` only.
  { name: 'workerd', tells: ['CANCELLED'], start: onWorkerd('bodies.js') },
]

export type Framing = 'content-length' | 'chunked'

/** A request to `servers/bodies.js`. */
export interface BodyRequest {
  readonly path: string
  /** The framing of a body, which the test sends later. Default: no body. */
  readonly framing?: Framing
  readonly bytes?: number
  /** `null` for no token at all. */
  readonly token?: string | null
  /** The handler prints it on each of its lines. */
  readonly id?: string
}

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
