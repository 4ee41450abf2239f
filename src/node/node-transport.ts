import { within } from '../core/async.ts'
import { ResponseQueue } from './response-queue.ts'
import type { Transport } from '../core/auth-config.ts'
import type { NodeDispatcher, OwnAgent } from './undici.ts'

/** The `fetch` that `nodeTransport` returns. It sends each POST, until it is closed. */
export interface NodeTransport extends Transport {
  /**
   * Closes each connection as soon as it is idle, and waits for that, but at most five seconds: a call under way still ends
   * at its own deadline. Each later call is rejected, and its request as `unreachable`. May be called again. A `dispatcher`
   * of your own is yours to close.
   */
  close(): Promise<void>
}

interface Destination {
  readonly url: string
  readonly origin: string
  readonly path: string
}

// The version is that of package.json, which nothing reads at run time: a bundle has none.
const USER_AGENT = 'with-auth/0.1.0'
// RFC 9111 §5.2.1.5: the cache interceptor of older undici, such as 7.28, gives a cached 401 to the next token.
const ALWAYS = { 'accept-encoding': 'identity', 'cache-control': 'no-store' } as const
const CLOSE_MS = 5000
const CLOSED = { code: 'UND_ERR_CLOSED' } as const

/** Makes each POST through a dispatcher, which it closes if it is `own`. */
export function createNodeTransport(
  dispatcher: NodeDispatcher,
  own?: OwnAgent,
  closeMs: number = CLOSE_MS,
): NodeTransport {
  let destination: Destination | undefined
  let closing: Promise<void> | undefined
  const post: Transport = (url, { headers, body, signal }) => {
    // A guard asks one URL, again and again.
    const { origin, path } = (destination =
      destination?.url === url ? destination : parseDestination(url))
    return new Promise((resolve, reject) => {
      const queue = new ResponseQueue(resolve, reject, signal)
      if (closing !== undefined) return queue.onResponseError(undefined, CLOSED)
      const sent = { 'user-agent': USER_AGENT, ...headers, ...ALWAYS }
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
  return Object.assign(post, {
    close: () => (closing ??= own === undefined ? Promise.resolve() : closeAgent(own, closeMs)),
  })
}

async function closeAgent(agent: OwnAgent, closeMs: number): Promise<void> {
  await within(closeMs, agent.close())
}

function parseDestination(url: string): Destination {
  const { origin, pathname, search } = new URL(url)
  return { url, origin, path: `${pathname}${search}` }
}
