import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from './types.ts'

/** What came of a request to the upstream. */
export type Outcome =
  | { readonly response: UpstreamResponse }
  | { readonly code: 'upstream_timeout' | 'client_left' }
  | { readonly code: 'upstream_unreachable'; readonly error: unknown }

/**
 * Sends a request and waits for the head of the response, at most so long and only while the client waits. What becomes of
 * the bodies later is between their streams: the one that is cancelled or breaks ends the other.
 */
export async function exchange(
  fetch: UpstreamFetch,
  url: string,
  init: Omit<UpstreamRequest, 'signal'>,
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
    return { response: await orAborted(fetch(url, { ...init, signal }), signal) }
  } catch (error) {
    return code === undefined ? { code: 'upstream_unreachable', error } : { code }
  } finally {
    clearTimeout(timer)
    client.removeEventListener('abort', leave)
  }
}

// A fetch that does not obey its signal must not hold the client; what it brings then is thrown away.
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
