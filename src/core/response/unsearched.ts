import type { DenialReason } from '../types.ts'

/** Why a request was rejected, in the words of its event. */
export interface Why<Reason extends string = DenialReason> {
  readonly reason?: Reason | undefined
  readonly detail?: string | undefined
}

/**
 * Whether the key of a token was not searched for, since tokens with made-up keys had used up the fetches. That is neither a
 * denial nor an outage: the caller comes again, so it is 503 whatever `unavailableStatus` says.
 */
export function isUnsearched({ reason, detail }: Why<string>): boolean {
  return reason === 'overloaded' && detail === 'unknown_key'
}
