import { ResponseQueue } from './response-queue.ts'
import type { Transport } from '../core/auth-config.ts'
import type { NodeDispatcher } from './undici.ts'

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
      const plain = { ...headers, 'accept-encoding': 'identity' }
      dispatcher.dispatch({ origin, path, method: 'POST', headers: plain, body }, queue)
    })
  }
}

function parseDestination(url: string): Destination {
  const { origin, pathname, search } = new URL(url)
  return { url, origin, path: `${pathname}${search}` }
}
