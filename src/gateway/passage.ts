import type { DecisionEvent } from '../core/types.ts'
import { Existing } from '../core/runtime.ts'
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
  /** The sender of the request. A closed connection no longer tells it. */
  client?: { readonly address?: string; readonly isConflicting: boolean }
  /** Why the gateway responded itself. */
  failure?: { readonly code: string; readonly cause?: string }
}

export interface UpgradeOffer {
  /** Sends the handshake. The status is 101 only if the upstream switched, and the offer then holds its connection. */
  readonly fetch: UpstreamFetch
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** Keeps the passage in a private field of the Request: a WeakMap of short-lived keys makes each collection of garbage longer. */
class Followed extends Existing {
  readonly #passage: Passage = {}

  static read(request: Request): Passage | undefined {
    return #passage in request ? request.#passage : undefined
  }

  static follow(request: Request): Passage {
    if (#passage in request) return request.#passage
    return new Followed(request).#passage
  }
}

/** Returns the passage of a request. Makes it the first time. */
export function followPassage(request: Request): Passage {
  return Followed.follow(request)
}

/** The passage of a request, if there is one. */
export function passageOf(request: Request): Passage | undefined {
  return Followed.read(request)
}
