import type { DecisionEvent } from '../core/types.ts'
import type { UpstreamFetch } from './exchange.ts'

/** Facts about one request that its server and its log share. No event has them, and only `sentId` is sent. */
export interface Passage {
  /** How its connection can become a WebSocket, from a server that can switch protocols. */
  offer?: UpgradeOffer
  decision?: DecisionEvent
  /** The header in which the upstream gets the request id of the log: the valid one of the client, or a new one. */
  sentId?: readonly [name: string, id: string]
  /** The status of the upstream's response. */
  upstreamStatus?: number
  /** How long the upstream took to start its response, in milliseconds. */
  upstreamMs?: number
  /** The gateway responded itself, as it was asked to. */
  isAboutGateway?: true
  /** Why the gateway responded itself. */
  failure?: { readonly code: string; readonly cause?: string }
}

export interface UpgradeOffer {
  /** Sends the handshake. The status is 101 only if the upstream switched, and the offer then holds its connection. */
  readonly fetch: UpstreamFetch
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

const PASSAGES = new WeakMap<Request, Passage>()

/** Returns the passage of a request. Makes it the first time. */
export function followPassage(request: Request): Passage {
  const passage = PASSAGES.get(request) ?? {}
  PASSAGES.set(request, passage)
  return passage
}

/** The passage of a request, if there is one. */
export function passageOf(request: Request): Passage | undefined {
  return PASSAGES.get(request)
}
