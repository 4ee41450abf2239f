import type { TransportResponse } from './auth-config.ts'

/** How reading a body ended. */
export type BodyOutcome =
  | { readonly state: 'complete'; readonly text: string }
  | { readonly state: 'too_long' | 'broken' | 'timeout' | 'not_utf8' }

const MAX_BYTES = 65_536
const TIMED_OUT = Symbol('timed out')

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
    return await readChunks(chunks, whenAborted(signal))
  } catch {
    return { state: signal.aborted ? 'timeout' : 'broken' }
  } finally {
    if (chunks !== undefined) void cancel(chunks)
  }
}

async function readChunks(
  chunks: AsyncIterator<Uint8Array>,
  aborted: Promise<typeof TIMED_OUT>,
): Promise<BodyOutcome> {
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    // A body that ignores the signal must not hold the check, so the race is not left to the transport.
    const step = await Promise.race([chunks.next(), aborted])
    if (step === TIMED_OUT) return { state: 'timeout' }
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

function whenAborted(signal: AbortSignal): Promise<typeof TIMED_OUT> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(TIMED_OUT)
    // Not removed: the signal belongs to one check and goes with it.
    signal.addEventListener('abort', () => resolve(TIMED_OUT), { once: true })
  })
}
