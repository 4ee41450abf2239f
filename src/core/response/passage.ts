import type { DecisionEvent } from '../types.ts'

/** Facts about one request for its line in the log. No event has them, and only `sentId` is sent. */
export interface Passage {
  decision?: DecisionEvent
  /** The field in which the upstream gets the request id of the log: the valid one of the client, or one that was made. */
  sentId?: readonly [name: string, id: string]
  /** The status that the upstream answered. */
  upstreamStatus?: number
  /** Why the gateway answered itself. */
  failure?: { readonly code: string; readonly cause?: string }
}

const PASSAGES = new WeakMap<Request, Passage>()

/** Returns the passage of a request, and makes it the first time. */
export function followPassage(request: Request): Passage {
  const passage = PASSAGES.get(request) ?? {}
  PASSAGES.set(request, passage)
  return passage
}

/** The passage of a request, if a log follows it. */
export function passageOf(request: Request): Passage | undefined {
  return PASSAGES.get(request)
}
