import { ResponseQueue } from './response-queue.ts'
import type { Transport } from '../core/auth-config.ts'
import type { NodeDispatcher } from './undici.ts'

// RFC 9111 §5.2.1.5: the cache interceptor of undici below 7.30 takes a POST that was denied for one that may be kept.
const ALWAYS = { 'accept-encoding': 'identity', 'cache-control': 'no-store' } as const

interface Destination {
  readonly url: string
  readonly origin: string
  readonly path: string
}

/** Makes each POST through a dispatcher. */
export function createNodeTransport(dispatcher: NodeDispatcher): Transport {
  let destination: Destination | undefined
  return (url, { headers, body, signal }) => {
    // A guard asks one URL, again and again.
    const { origin, path } = (destination =
      destination?.url === url ? destination : parseDestination(url))
    return new Promise((resolve, reject) => {
      const queue = new ResponseQueue(resolve, reject, signal)
      const sent = { ...headers, ...ALWAYS }
      const options = {
        origin,
        path,
        method: 'POST',
        headers: sent,
        body,
        maxRedirections: 0,
      } as const
      try {
        dispatcher.dispatch(options, queue)
      } catch (error) {
        // A MockAgent throws what nobody intercepts, with what was asked in its message.
        queue.onResponseError(undefined, error)
      }
    })
  }
}

function parseDestination(url: string): Destination {
  const { origin, pathname, search } = new URL(url)
  return { url, origin, path: `${pathname}${search}` }
}
