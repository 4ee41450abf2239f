import { nodeModule, property } from '../core/runtime.ts'

/** The parts of Node's `IncomingMessage` that are read. */
export interface Incoming {
  /** Names and values alternate. */
  readonly rawHeaders: readonly string[]
}

/** Node's request behind a Request, where the server shows it: srvx in the Request, `@hono/node-server` in the first argument. */
export function incomingOf(request: Request, args: readonly unknown[]): Incoming | undefined {
  const bySrvx = property(property(property(request, 'runtime'), 'node'), 'req')
  return [bySrvx, property(args[0], 'incoming')].find(isIncoming)
}

function isIncoming(value: unknown): value is Incoming {
  return Array.isArray(property(value, 'rawHeaders'))
}

/** More than any browser, proxy or client of an API sends. Servers on Node drop what comes behind the first thousand. */
const MOST_FIELDS = 200

/** Whether a request has more header fields than are passed on. Counts lines where the server shows them, and names elsewhere. */
export function hasTooManyFields({ headers }: Request, incoming: Incoming | undefined): boolean {
  return (incoming === undefined ? countNames(headers) : countLines(incoming)) > MOST_FIELDS
}

function countNames(headers: Headers): number {
  let count = 0
  headers.forEach(() => (count += 1))
  return count
}

// HTTP/2 has pseudo-fields such as `:path`, which are not header fields (RFC 9113 §8.3).
function countLines({ rawHeaders }: Incoming): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && !name.startsWith(':')).length
}

/** The body of a GET or HEAD, which no Request can have, from Node's request. `undefined` where the server does not show it. */
export function readBody(incoming: Incoming | undefined): ReadableStream<Uint8Array> | undefined {
  const readable = Reflect.get(Object(nodeModule('node:stream')), 'Readable') as unknown
  if (incoming === undefined || typeof readable !== 'function') return undefined
  const toWeb: unknown = Reflect.get(readable, 'toWeb')
  const body: unknown = typeof toWeb === 'function' ? toWeb.call(readable, incoming) : undefined
  return body instanceof ReadableStream ? body : undefined
}
