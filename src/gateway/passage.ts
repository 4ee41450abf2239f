import type { DecisionEvent } from '../core/types.ts'

/** Facts about one request for its line in the log. No event has them, and only `sentId` is sent. */
export interface Passage {
  decision?: DecisionEvent
  /** The header in which the upstream gets the request id of the log: the valid one of the client, or a new one. */
  sentId?: readonly [name: string, id: string]
  /** The status of the upstream's response. */
  upstreamStatus?: number
  /** The gateway responded itself, as it was asked to. */
  isAboutGateway?: true
  /** Why the gateway responded itself. */
  failure?: { readonly code: string; readonly cause?: string }
}

const PASSAGES = new WeakMap<Request, Passage>()

/** Returns the passage of a request. Makes it the first time. */
export function followPassage(request: Request): Passage {
  const passage = PASSAGES.get(request) ?? {}
  PASSAGES.set(request, passage)
  return passage
}

/** The passage of a request, if a log follows it. */
export function passageOf(request: Request): Passage | undefined {
  return PASSAGES.get(request)
}
