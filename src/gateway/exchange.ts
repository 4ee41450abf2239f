import { hasUnknownCoding, isForGateway, namesInConnection } from './field-names.ts'

/** What the gateway's `fetch` is called with: as the one of the runtime, streams included. */
export interface UpstreamRequest {
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly duplex: 'half'
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The parts of a Response that the gateway reads. */
export interface UpstreamResponse extends Pick<Response, 'status' | 'statusText' | 'headers'> {
  readonly body: ReadableStream<Uint8Array> | null
}

/** Sends one request to the upstream. It must not follow redirects. */
export type UpstreamFetch = (url: string, init: UpstreamRequest) => Promise<UpstreamResponse>

/** What is sent to the upstream for a request. */
export interface Forwarding {
  readonly url: string
  readonly init: Omit<UpstreamRequest, 'signal'>
  /** Whether only the end of the body tells that there is none. */
  readonly mayBeEmpty: boolean
}

/** What came of a request to the upstream. */
export type Outcome =
  | { readonly response: UpstreamResponse }
  | { readonly code: 'upstream_timeout' | 'client_left' }
  | { readonly code: 'upstream_unreachable'; readonly error: unknown }

/**
 * Sends a request and waits for the head of the response, at most `timeoutMs` and only while the client waits. Afterwards the
 * streams of the bodies end each other: the first that breaks or is cancelled ends the other.
 */
export async function exchange(
  fetch: UpstreamFetch,
  forwarding: Forwarding,
  client: AbortSignal,
  timeoutMs: number,
): Promise<Outcome> {
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
  try {
    const { signal } = controller
    return { response: await orAborted(send(fetch, forwarding, signal), signal) }
  } catch (error) {
    return code === undefined ? { code: 'upstream_unreachable', error } : { code }
  } finally {
    clearTimeout(timer)
    client.removeEventListener('abort', leave)
  }
}

function send(
  fetch: UpstreamFetch,
  { url, init, mayBeEmpty }: Forwarding,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  if (!mayBeEmpty || init.body === null) return fetch(url, { ...init, signal })
  return orNothing(init.body).then((body) => fetch(url, { ...init, body, signal }))
}

/** The body, or `null` if it ends before its first byte. */
async function orNothing(
  body: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array> | null> {
  const reader = body.getReader()
  const first = await readFirst(reader)
  if (first === undefined) return null
  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    pull: async (controller) => {
      const { done, value } = await reader.read()
      return done ? controller.close() : controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

// Deno begins a body that is empty with an empty chunk.
async function readFirst(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array | undefined> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
    const { done, value } = await reader.read()
    if (done) return undefined
    if (value.byteLength !== 0) return value
  }
}

// A `fetch` that ignores its signal must not hold the client. Its late response is cancelled.
function orAborted(
  pending: Promise<UpstreamResponse>,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('Aborted')))
    if (signal.aborted) reject(new Error('Aborted'))
    pending.then((response) => {
      if (!signal.aborted) return resolve(response)
      return response.body?.cancel().catch(() => undefined)
    }, reject)
  })
}

// The codings that a `fetch` decodes by itself.
const DECODED: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'identity'])
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Turns the upstream's response into one of the gateway: the status, the end-to-end fields, and the body as it comes. Throws for a
 * status that is not final, a transfer coding other than chunks, and a content coding that not every `fetch` decodes.
 *
 * @param decodesSilently Whether `fetch` leaves `Content-Encoding` there when it has decoded a body.
 */
export function passOn(
  response: UpstreamResponse,
  method: string,
  decodesSilently: boolean,
): Response {
  const { status, statusText } = response
  // Not every Response refuses such a one itself.
  if (status < 200 || status > 599) throw new RangeError('No final status (RFC 9110 §15)')
  if (hasUnknownCoding(response.headers)) throw new Error('Unknown transfer coding')
  const isEmpty = method === 'HEAD' || WITHOUT_BODY.has(status)
  const headers = copyFields(response.headers, decodesSilently)
  // It is of a body that is not sent (RFC 9110 §8.6); the answer to a HEAD says what a GET would be.
  if (WITHOUT_BODY.has(status)) headers.delete('content-length')
  if (isEmpty) discard(response)
  return new Response(isEmpty ? null : response.body, { status, statusText, headers })
}

/** Ends what will not be read. */
export function discard({ body }: UpstreamResponse): void {
  body?.cancel().catch(() => undefined)
}

function copyFields(fields: Headers, decodesSilently: boolean): Headers {
  const named = namesInConnection(fields)
  const headers = new Headers()
  for (const [name, value] of fields) {
    if (!isForGateway(name) && !named.has(name)) headers.append(name, value)
  }
  const coding = headers.get('content-encoding')
  if (coding === null || !decodesSilently) return headers
  const codings = coding.split(',').map((one) => one.trim().toLowerCase())
  if (!codings.every((one) => DECODED.has(one))) throw new Error('Unknown content coding')
  headers.delete('content-encoding')
  headers.delete('content-length')
  return headers
}
