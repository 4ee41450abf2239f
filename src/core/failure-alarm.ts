import { kindOf } from './events.ts'
import type { Check } from './check.ts'
import type { WriteLine } from './events.ts'
import type { DenialReason } from './types.ts'

/** The details of a request that is rejected for another reason than a denial. */
export interface Failure {
  readonly retryAfterMs?: number | undefined
  /** The status that the endpoint answered in place of a verdict. */
  readonly status?: number | undefined
  /** A code that holds no secret. */
  readonly cause?: string | undefined
  /** The thrown value, for `internal_error` and `unreachable`. For the observer alone. */
  readonly error?: unknown
}

/** Writes to the console why a request is rejected, if the same cause rejects every request. */
export type Alarm = (reason: DenialReason, failure: Failure, check: Check | undefined) => void

type Sentence = (failure: Failure) => string

/**
 * The reasons that reject every request. A single caller can cause the others alone, with a bad token, a rate limit or too
 * many checks at once.
 */
const SENTENCES: Partial<Readonly<Record<DenialReason, Sentence>>> = {
  unreachable: ({ cause = '' }) =>
    `is unreachable${cause && ` (${cause})`}: requests are rejected. ${adviseOn(cause)}`,
  timeout: () => 'gives no verdict within "timeoutMs": requests are rejected. Is it overloaded?',
  service_error: ({ status }) =>
    `answers ${typeof status === 'number' ? status : 'with an error'}: requests are rejected. Look into its log`,
  invalid_response: () =>
    'answers 200 without a principal in the first 64 KiB, which "identity" requires: requests are rejected. Let it name one, or leave "identity" out',
  circuit_open: () => 'failed too often and is not asked for a while: requests are rejected',
}

/** For a wrapper without an observer. `endpoint` is absent if a verifier takes its place. */
export function createAlarm(endpoint: string | undefined, writeLine: WriteLine): Alarm {
  // Its path and query may be secrets.
  const asked =
    endpoint === undefined
      ? 'the service behind "verifier"'
      : `the auth endpoint ${new URL(endpoint).origin}`
  const hook = endpoint === undefined ? '"verifier"' : '"fetch" or "transport"'
  return (reason, failure, check) => {
    if (reason === 'internal_error') return writeLine(describeBug(failure, check, hook))
    const sentence = SENTENCES[reason]
    if (sentence !== undefined) writeLine(`${asked} ${sentence(failure)}`)
  }
}

// The message is not written: it may hold the token.
function describeBug({ error }: Failure, check: Check | undefined, hook: string): string {
  const failed = check === undefined || check.attempts === 0 ? 'a check' : hook
  return `${failed} failed with ${kindOf(error)}: requests are rejected. Set "onEvent" to see the error`
}

function adviseOn(cause: string): string {
  if (cause === 'ECONNREFUSED') return 'Is it running?'
  if (/^(?:ENOTFOUND|EAI_)/.test(cause)) return 'Is its name right?'
  if (/CERT|SIGNATURE/.test(cause)) return 'Is its certificate trusted?'
  if (/SSL|TLS|EPROTO/.test(cause)) return 'Does it speak TLS?'
  return 'Is it running, and is its URL right?'
}
