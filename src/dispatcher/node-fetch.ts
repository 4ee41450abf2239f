import { EventQueue, ResponseQueue } from './response-queue.ts'
import { property, USER_AGENT } from '../core/runtime.ts'
import type { Transport, TransportInit, TransportResponse } from '../core/verifier.ts'

/** The options of a request for undici. */
export interface DispatchOptions {
  readonly origin: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body: string | null
  /** Turns off undici's redirect interceptor, if the dispatcher has it. */
  readonly maxRedirections: 0
}

/** The dispatcher below Node's `fetch`. It costs a fifth of it. `setGlobalDispatcher` of undici replaces it. */
interface Dispatcher {
  dispatch(options: DispatchOptions, handler: ResponseQueue): boolean
}

/** A URL that `fetch` has asked: from then on the dispatcher may, unless the server packs what nobody asked it to pack. */
interface Destination {
  readonly origin: string
  readonly path: string
  isPacked: boolean
}

// Without `no-store` a cache interceptor answers the next token with a cached 401 (RFC 9111 §5.2.1.5).
const ALWAYS = { 'accept-encoding': 'identity', 'cache-control': 'no-store' } as const
const MOST_DESTINATIONS = 64

const destinations = new Map<string, Destination>()

/**
 * Asks by the runtime's own `fetch`, looked up at each call, so that a later wrapper, such as instrumentation, sees it. While it is
 * Node's own, the second call of a URL goes to the dispatcher below it.
 */
export const runtimeFetch: Transport = Object.assign<Transport, { id: string }>(
  (url, init) => {
    if (!isNodesOwn(globalThis.fetch)) return globalThis.fetch(url, init)
    const destination = destinations.get(url)
    const dispatcher = destination?.isPacked === false ? findDispatcher() : undefined
    if (destination === undefined || dispatcher === undefined) return askByFetch(url, init)
    return dispatch(dispatcher, destination, url, init)
  },
  // Not `RUNTIME_FETCH_ID`, which may not be there yet: in the package this file and the rest of the core import each other.
  { id: 'fetch' },
)

/** The fields that each call over a dispatcher has, and so the call by `fetch` before it. */
export function headersFor(headers: Record<string, string>): Record<string, string> {
  return { 'user-agent': USER_AGENT, ...headers, ...ALWAYS }
}

/** The parts of a URL that a dispatcher wants apart. */
export function partsOf(url: string): Pick<DispatchOptions, 'origin' | 'path'> {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: `${pathname}${search}` }
}

async function askByFetch(url: string, init: TransportInit): Promise<TransportResponse> {
  const response = await globalThis.fetch(url, { ...init, headers: headersFor(init.headers) })
  if (destinations.size >= MOST_DESTINATIONS) destinations.clear()
  destinations.set(url, { ...partsOf(url), isPacked: isPacked(response) })
  return response
}

function dispatch(
  dispatcher: Dispatcher,
  { origin, path }: Destination,
  url: string,
  init: TransportInit,
): Promise<TransportResponse> {
  const { method, headers, body = null, signal } = init
  return new Promise((resolve, reject) => {
    const begin = (response: TransportResponse): void => {
      // Only `fetch` unpacks, and to `fetch` a proxy's 407 is an error, no status of the endpoint.
      if (!isPacked(response) && response.status !== 407) return resolve(response)
      // First, since the end of this call rejects it.
      resolve(askByFetch(url, init))
      void queue.return()
    }
    const queue = new (isUndici8 ? EventQueue : ResponseQueue)(begin, reject, signal)
    if (signal.aborted) return
    const options = { origin, path, method, body, headers: headersFor(headers) }
    try {
      dispatcher.dispatch({ ...options, maxRedirections: 0 }, queue)
    } catch (error) {
      // A MockAgent throws for a call without a mock, with the call in its message.
      queue.onError(error)
    }
  })
}

function isPacked({ headers }: TransportResponse): boolean {
  const coding = headers.get('content-encoding')
  return coding !== null && coding.toLowerCase() !== 'identity'
}

let lastFetch: unknown
let isOwn = false
let isUndici8 = false

/** Whether `fetch` is Node's own, over a version of undici that is known. Tested again only for another function. */
function isNodesOwn(fetch: unknown): boolean {
  if (fetch === lastFetch) return isOwn
  const major = Number.parseInt(undiciVersion(), 10)
  isOwn = [6, 7, 8].includes(major) && looksNative(fetch)
  isUndici8 = major === 8
  lastFetch = fetch
  return isOwn
}

function undiciVersion(): string {
  return String(property(property(property(globalThis, 'process'), 'versions'), 'undici'))
}

// Wrappers that also patch `toString` have more properties, and the `fetch` of a sandbox is a Function of another realm.
function looksNative(fetch: unknown): boolean {
  try {
    // oxlint-disable-next-line unicorn/no-instanceof-builtins -- the class of this realm is meant
    if (!(fetch instanceof Function) || Reflect.ownKeys(fetch).length !== 3) return false
    return Function.prototype.toString.call(fetch).includes("'internal/deps/undici/undici'")
  } catch {
    return false
  }
}

const UNDICI_6 = Symbol.for('undici.globalDispatcher.1')
const UNDICI_8 = Symbol.for('undici.globalDispatcher.2')

/** Looked up at each call, so that another one may be set at any time. */
function findDispatcher(): Dispatcher | undefined {
  const found: unknown = Reflect.get(globalThis, isUndici8 ? UNDICI_8 : UNDICI_6)
  return isDispatcher(found) ? found : undefined
}

function isDispatcher(value: unknown): value is Dispatcher {
  return typeof property(value, 'dispatch') === 'function'
}
