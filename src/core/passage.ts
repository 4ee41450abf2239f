import type { DecisionEvent } from './types.ts'

/** What a log follows of one request. It is in no header and in no event. */
export interface Passage {
  decision?: DecisionEvent
  /** The field with the request id that the gateway passes on, in place of the client's. */
  sentId?: readonly [name: string, id: string]
  /** The status that the upstream answered. */
  upstreamStatus?: number
  /** Why the gateway answered itself. */
  failure?: { readonly code: string; readonly cause?: string }
}

const PASSAGES = new WeakMap<Request, Passage>()

/** The passage of a request, from now on followed. */
export function followPassage(request: Request): Passage {
  const passage = PASSAGES.get(request) ?? {}
  PASSAGES.set(request, passage)
  return passage
}

/** The passage of a request, if a log follows it. */
export function passageOf(request: Request): Passage | undefined {
  return PASSAGES.get(request)
}
