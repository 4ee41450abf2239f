import type { Forwarding } from './forwarding.ts'
import type { UpstreamFetch, UpstreamResponse } from './types.ts'

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
