import { orAborted } from '../async.ts'
import type { TransportResponse } from '../auth-config.ts'

/** How reading a body ended. */
export type BodyOutcome =
  | { readonly state: 'complete'; readonly text: string }
  | { readonly state: 'too_long' | 'broken' | 'timeout' | 'not_utf8' }

/** A response of the runtime, which can be read without its stream. */
interface WholeResponse extends TransportResponse {
  readonly arrayBuffer: () => Promise<ArrayBuffer>
}

/** Takes a body off its connection in the background, or ends the connection. Never throws. */
export type Drain = (body: TransportResponse['body']) => void

const MAX_BYTES = 65_536
const DRAIN_MS = 1000
// Many more than the calls that are under way: a call gives its place to the next one when its head is there, and a body
// that is cancelled closes a connection that the next call would have used.
const MAX_DRAINS = 1024

/**
 * Reads the body of a response that the runtime's own `fetch` gave, like {@link readBody}. A short one is left to the
 * runtime: that takes half of what its stream takes on Deno, and four fifths on Bun and Node.
 */
export async function readResponse(
  response: TransportResponse,
  signal: AbortSignal,
): Promise<BodyOutcome> {
  if (!isShort(response)) return readBody(response.body, signal)
  try {
    const bytes = await orAborted(response.arrayBuffer(), signal)
    return bytes.byteLength <= MAX_BYTES ? decode([new Uint8Array(bytes)]) : { state: 'too_long' }
  } catch {
    return { state: signal.aborted ? 'timeout' : 'broken' }
  }
}

// RFC 9112 §6.3: the length frames the body, and so bounds it, only where there is no transfer coding. Of what is unpacked
// it says nothing either.
function isShort(response: TransportResponse): response is WholeResponse {
  const { headers } = response
  const length = headers.get('content-length') ?? ''
  if (!/^\d{1,5}$/.test(length) || Number(length) > MAX_BYTES) return false
  if (headers.get('transfer-encoding') !== null) return false
  if (headers.get('content-encoding') !== null) return false
  return 'arrayBuffer' in response && typeof response.arrayBuffer === 'function'
}

/**
 * Reads a body to its end, so that the connection can be used again, but no further than 64 KiB and no longer than
 * the signal allows; then it is cancelled. Never throws.
 */
export async function readBody(
  body: TransportResponse['body'],
  signal: AbortSignal,
): Promise<BodyOutcome> {
  if (body === null || body === undefined) return { state: 'complete', text: '' }
  let chunks: AsyncIterator<Uint8Array> | undefined
  try {
    chunks = iterate(body)
    // A body that ignores the signal must not hold the check, so this is not left to `fetch`.
    const outcome = await orAborted(readChunks(chunks, signal), signal)
    if (outcome.state === 'too_long') void cancel(chunks)
    return outcome
  } catch {
    if (chunks !== undefined) void cancel(chunks)
    return { state: signal.aborted ? 'timeout' : 'broken' }
  }
}

/**
 * Makes what drains the body of a response whose head has decided: the connection can then be used again, and no caller
 * waits. A body that is longer than 64 KiB or takes longer than a second is cancelled, and so is every body while 1,024
 * others are being drained.
 */
export function createDrain(): Drain {
  // On Workers a drain ends with its request, and is then counted for ever: bodies are cancelled there from the 1,025th on.
  let draining = 0
  const drain = async (body: NonNullable<TransportResponse['body']>): Promise<void> => {
    const controller = new AbortController()
    if (draining >= MAX_DRAINS) controller.abort()
    const timer = setTimeout(() => controller.abort(), DRAIN_MS)
    draining += 1
    await readBody(body, controller.signal)
    clearTimeout(timer)
    draining -= 1
  }
  return (body) => {
    if (body !== null && body !== undefined) void drain(body)
  }
}

async function readChunks(
  chunks: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
): Promise<BodyOutcome> {
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const step = await chunks.next()
    // Nobody waits any more, and what ignores its end may go on for ever.
    if (signal.aborted) return { state: 'timeout' }
    if (step.done === true) return decode(parts)
    size += step.value.byteLength
    // So written that a size that is no number is too long as well.
    if (!(size <= MAX_BYTES)) return { state: 'too_long' }
    parts.push(step.value)
  }
}

function decode(parts: readonly Uint8Array[]): BodyOutcome {
  // Without `fatal`, different invalid bytes become the same character: two principals would be one.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    const text = parts.map((part) => decoder.decode(part, { stream: true })).join('')
    return { state: 'complete', text: text + decoder.decode() }
  } catch {
    return { state: 'not_utf8' }
  }
}

function iterate(body: NonNullable<TransportResponse['body']>): AsyncIterator<Uint8Array> {
  if (!('getReader' in body)) return body[Symbol.asyncIterator]()
  const reader = body.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array, undefined>>,
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}

async function cancel(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await chunks.return?.()
  } catch {
    // There is nothing left to lose.
  }
}
