import { within } from '../core/async.ts'
import { EventQueue } from '../dispatcher/response-queue.ts'
import { headersFor, partsOf } from '../dispatcher/node-fetch.ts'
import type { Transport } from '../core/verifier.ts'
import type { NodeDispatcher, OwnAgent } from './undici.ts'

/** The `fetch` that `nodeTransport` returns. It sends each request, until it is closed. */
export interface NodeTransport extends Transport {
  /**
   * Closes each connection once it is idle, and waits for that for at most five seconds. A running call ends at its own
   * deadline. Later calls fail, and their requests are rejected as `unreachable`. It may be called again. It does not close your
   * own `dispatcher`.
   */
  close(): Promise<void>
}

const CLOSE_MS = 5000
const CLOSED = { code: 'UND_ERR_CLOSED' } as const

/** Creates a `fetch` over a dispatcher. `own` is the same dispatcher if `close` must close it. */
export function createNodeTransport(
  dispatcher: NodeDispatcher,
  own?: OwnAgent,
  closeMs: number = CLOSE_MS,
): NodeTransport {
  let destination: ({ readonly url: string } & ReturnType<typeof partsOf>) | undefined
  let closing: Promise<void> | undefined
  const send: Transport = (url, { method, headers, body = null, signal }) => {
    // A wrapper calls the same URL every time.
    const { origin, path } = (destination =
      destination?.url === url ? destination : { url, ...partsOf(url) })
    return new Promise((resolve, reject) => {
      const queue = new EventQueue(resolve, reject, signal)
      if (closing !== undefined) return queue.onError(CLOSED)
      const options = {
        origin,
        path,
        method,
        headers: headersFor(headers),
        body,
        maxRedirections: 0,
      } as const
      try {
        dispatcher.dispatch(options, queue)
      } catch (error) {
        // A MockAgent throws for a call without a mock, with the call in its message.
        queue.onError(error)
      }
    })
  }
  return Object.assign(send, {
    close: () => (closing ??= own === undefined ? Promise.resolve() : closeAgent(own, closeMs)),
  })
}

async function closeAgent(agent: OwnAgent, closeMs: number): Promise<void> {
  await within(closeMs, agent.close())
}
