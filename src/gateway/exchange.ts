import { ignore, orAborted } from '../core/async.ts'
import {
  hasUnknownCoding,
  isRemovedFromResponse,
  namesInConnection,
  valueOf,
} from './field-names.ts'
import type { Statement } from '../verifiers/upstream/signature.ts'

/** The `init` argument of the gateway's `fetch`: a `RequestInit` with a stream as its body. */
export interface UpstreamRequest {
  readonly method: string
  readonly headers: Headers
  /** The names of the gateway's own headers. Send them first: some servers drop all headers behind a number of them. */
  readonly ownHeaders: readonly string[]
  readonly body: ReadableStream<Uint8Array> | null
  readonly duplex: 'half'
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The parts of a Response that the gateway reads. */
export interface UpstreamResponse extends Pick<Response, 'status' | 'statusText' | 'headers'> {
  readonly body: ReadableStream<Uint8Array> | null
}

/** The body of an answer that goes to the client without a stream of Fetch. */
export interface DirectBody {
  /** Makes the response that the body goes with. */
  respond(init: ResponseInit): Response
  cancel(): void
}

/** The answer of an upstream, of either way. */
export interface UpstreamAnswer extends Pick<UpstreamResponse, 'status' | 'statusText'> {
  readonly headers: Iterable<[name: string, value: string]>
  readonly body: UpstreamResponse['body'] | DirectBody
}

/** Sends one request to the upstream. It must not follow redirects. */
export type UpstreamFetch = (url: string, init: UpstreamRequest) => Promise<UpstreamResponse>

/** One request, ready for the upstream. */
export interface Forwarding {
  readonly url: string
  /** The facts to sign. Absent without an identity. */
  readonly statement?: Statement
  readonly init: Omit<UpstreamRequest, 'signal' | 'headers'> & {
    /** The gateway's own come first. */
    readonly headers: Map<string, string>
  }
  /** The headers do not say whether there is a body. */
  readonly mayBeEmpty: boolean
  /** The body is that of Node's request, and not in `init`. */
  readonly hasDirectBody?: boolean
}

/** The answer of the upstream, or why there is none. */
export type Outcome =
  | { readonly response: UpstreamAnswer }
  | { readonly code: 'malformed_request' | 'upstream_timeout' | 'client_left' }
  | { readonly code: 'upstream_unreachable'; readonly error: unknown }

/**
 * Sends a request and waits for the head of the response, for at most `timeoutMs` and only while the client waits. After that
 * the two bodies end each other: when one breaks off or is cancelled, so is the other.
 */
export async function exchange(
  fetch: UpstreamFetch,
  forwarding: Forwarding,
  client: AbortSignal,
  timeoutMs: number,
): Promise<Outcome> {
  const headers = headersOf(forwarding)
  if (headers === undefined) return { code: 'malformed_request' }
  const controller = new AbortController()
  let code: 'upstream_timeout' | 'client_left' | undefined
  const end = (why: typeof code): void => {
    code = why
    controller.abort()
  }
  const leave = (): void => end('client_left')
  const timer = setTimeout(() => end('upstream_timeout'), timeoutMs)
  client.addEventListener('abort', leave)
  if (client.aborted) leave()
  const pending = send(fetch, forwarding, headers, controller.signal)
  try {
    // A `fetch` that ignores its signal must not hold the client.
    return { response: await orAborted(pending, controller.signal) }
  } catch (error) {
    if (code === undefined) return { code: 'upstream_unreachable', error }
    ignore(pending.then(discard))
    return { code }
  } finally {
    clearTimeout(timer)
    client.removeEventListener('abort', leave)
  }
}

/** `undefined` if they cannot be sent: some runtimes accept a header in a request that they reject in `Headers`. */
function headersOf({ init }: Forwarding): Headers | undefined {
  try {
    return new Headers([...init.headers])
  } catch {
    return undefined
  }
}

async function send(
  fetch: UpstreamFetch,
  { url, init, mayBeEmpty }: Forwarding,
  headers: Headers,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  if (!mayBeEmpty || init.body === null) return fetch(url, { ...init, headers, signal })
  return fetch(url, { ...init, headers, body: await bodyOrNull(init.body), signal })
}

/** Returns `null` for a body that ends before its first byte. */
async function bodyOrNull(
  body: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array> | null> {
  const reader = body.getReader()
  let first = await reader.read()
  // On Deno an empty body starts with an empty chunk.
  // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
  while (first.value?.byteLength === 0) first = await reader.read()
  const { value } = first
  if (value === undefined) return null
  return new ReadableStream({
    start: (controller) => controller.enqueue(value),
    pull: async (controller) => {
      const next = await reader.read()
      return next.done ? controller.close() : controller.enqueue(next.value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

// Every runtime's `fetch` decodes these.
const DECODED: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'identity'])
/** RFC 9110 §15.2.2. */
export const SWITCHING = 101
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Builds the client's response: the status, the end-to-end fields and the body of the upstream's. Throws for an interim status,
 * for a transfer coding other than chunked, and for a content coding that some `fetch` cannot decode.
 *
 * @param decodesSilently Whether `fetch` decodes a body and leaves `Content-Encoding` in the headers.
 */
export function passOn(
  response: UpstreamAnswer,
  method: string,
  decodesSilently: boolean,
): Response {
  const { status, statusText, body } = response
  // Some runtimes accept such a status in a Response.
  if (status < 200 || status > 599) throw new RangeError('Not a final status (RFC 9110 §15)')
  if (hasUnknownCoding(valueOf(response.headers, 'transfer-encoding'))) {
    throw new Error('Unknown transfer coding')
  }
  const isLengthless = WITHOUT_BODY.has(status)
  const fields = copyFields(response.headers, decodesSilently)
  // The answer to a HEAD has the length of the GET. With these statuses a length is wrong (RFC 9110 §8.6).
  const headers = isLengthless ? fields.filter(([name]) => name !== 'content-length') : fields
  const init = { status, statusText, headers }
  if (method === 'HEAD' || isLengthless) {
    discard(response)
    return new Response(null, init)
  }
  return body !== null && 'respond' in body ? body.respond(init) : new Response(body, init)
}

/** Builds the response that makes the client's connection a WebSocket. The constructor allows no such status on Node. */
export function passSwitch({ headers }: UpstreamAnswer): Response {
  const response = new Response(null, { headers: copyFields(headers, false) })
  return Object.defineProperty(response, 'status', { value: SWITCHING })
}

/** Cancels the body of a response. `undefined` is from a `fetch` that returned nothing. */
export function discard(response: UpstreamAnswer | undefined): void {
  ignore(response?.body?.cancel())
}

function copyFields(
  fields: UpstreamAnswer['headers'],
  decodesSilently: boolean,
): [name: string, value: string][] {
  const named = namesInConnection(valueOf(fields, 'connection'))
  const kept = [...fields].filter(([name]) => !isRemovedFromResponse(name) && !named.has(name))
  const coding = decodesSilently ? valueOf(kept, 'content-encoding') : null
  if (coding === null) return kept
  const codings = coding.split(',').map((one) => one.trim().toLowerCase())
  if (!codings.every((one) => DECODED.has(one))) throw new Error('Unknown content coding')
  return kept.filter(([name]) => name !== 'content-encoding' && name !== 'content-length')
}
