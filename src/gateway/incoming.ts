import { ignore } from '../core/async.ts'
import { nodeModule, property } from '../core/runtime.ts'
import type { Field } from './field-names.ts'

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

/** Returns the client's address. The extra arguments hold what the server knows about it. */
export type ClientAddress<Args extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...args: Args
) => string | undefined

/** Returns the `X-Forwarded-*` headers of a request, or `undefined` if its host is malformed. */
type FactsOf = (request: Request, args: readonly unknown[]) => readonly Field[] | undefined

const ORIGIN = /^(https?):\/\/([^/]+)/

// RFC 3986 §3.2.2. Fetch joins a second `Host` with a comma and a space, and the pattern excludes the space.
const HOST = /^(?:\[[\w:.%~-]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

// srvx puts this into the URL for a host that it cannot parse.
const INVALID_HOST = '_invalid_'

/** Returns a function that reads scheme, host and address from the options, or else from the request's URL. */
export function createFacts({
  publicOrigin,
  preserveHost = false,
  clientAddress,
}: {
  readonly publicOrigin: URL | undefined
  readonly preserveHost?: boolean
  readonly clientAddress: ClientAddress | undefined
}): FactsOf {
  return (request, args) => {
    const [, scheme, host] = ORIGIN.exec(publicOrigin?.href ?? request.url) ?? []
    if (scheme === undefined || host === undefined || !isHost(host)) return undefined
    if (!HOST.test(request.headers.get('host') ?? '')) return undefined
    const address = addressOf(clientAddress, request, args)
    const facts = [['x-forwarded-proto', scheme], ['x-forwarded-host', host], ...address] as const
    if (!preserveHost) return facts
    const [, , called = ''] = ORIGIN.exec(request.url) ?? []
    return isHost(called) ? [['host', called], ...facts] : undefined
  }
}

function isHost(host: string): boolean {
  return host !== '' && host !== INVALID_HOST && HOST.test(host)
}

function addressOf(
  clientAddress: ClientAddress | undefined,
  request: Request,
  args: readonly unknown[],
): readonly Field[] {
  try {
    const address: unknown = clientAddress?.(request, ...args)
    ignore(address)
    const isAddress = typeof address === 'string' && /^[\w.:%-]{1,64}$/.test(address)
    return isAddress ? [['x-forwarded-for', address]] : []
  } catch {
    return []
  }
}
