import { orAborted } from '../../core/async.ts'
import { adoptUnavailable, AuthUnavailableError } from '../../core/errors.ts'
import { adviceOnCause } from '../explain/change.ts'
import { inKeys } from '../explain/why.ts'
import { showDuration } from '../explain/shown-fact.ts'
import { showUrl } from '../shown-value.ts'
import { error, outage } from './finding.ts'
import type { ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { Transport, VerifierRun } from '../../core/verifier.ts'
import type { Values } from '../../yaml/values.ts'
import type { Watched } from '../explain/watch.ts'
import type { Finding, Place } from './finding.ts'

/** A provider that asks a service. */
export interface CheckedProvider {
  /** Its keys as the file has them. */
  readonly values: Values
  /** Its keys with their defaults and without secrets, as `with-auth config` prints them. */
  readonly shown: unknown
  readonly watched: Watched
  readonly transport: Transport
  readonly timeoutMs: number
  /** Where a key of it is. */
  readonly at: (...path: readonly string[]) => Place
}

/** The answer of a provider to a question about a made-up token. */
export interface Asked {
  readonly verdict?: ParsedVerdict
  readonly failure?: AuthUnavailableError
  /** Whether the time of the check was over, and not that of the provider. */
  readonly isCut?: boolean
  readonly warnings: readonly string[]
}

/** The path in the question, so that the author of a service recognizes it. */
const ABOUT = { path: '/with-auth/check', headers: {}, params: {} }

/** Asks a provider about a made-up token, once. Ends in time, and never rejects. */
export function askAbout(
  token: string,
  { verifier }: Pick<Watched, 'verifier'>,
  timeoutMs: number,
): Promise<Asked> {
  const warnings: string[] = []
  const run: VerifierRun = { tenant: 'ignored', warn: (text) => void warnings.push(text) }
  return attempt(timeoutMs, async (signal) => ({
    verdict: await verifier?.verify({ token, request: ABOUT }, signal, run),
  })).then((asked) => ({ ...asked, warnings }) as Asked)
}

/** Gives work a time. A failure of it is a value. */
export async function attempt<Value extends object>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value | { readonly failure: AuthUnavailableError; readonly isCut: boolean }> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeoutMs)
  try {
    return await orAborted(work(controller.signal), controller.signal)
  } catch (thrown) {
    const known = adoptUnavailable(thrown)
    const isKnown = known instanceof AuthUnavailableError
    const failure = isKnown ? known : new AuthUnavailableError('unreachable')
    return { failure, isCut: controller.signal.aborted }
  } finally {
    clearTimeout(timer)
  }
}

/** Codes of the network that no waiting will change. */
export const LASTING: RegExp = /CERT|SSL|TLS|VERIFY|EPROTO|BAD_PORT/

/** Says why there is no verdict. The last call tells whom it is about. */
export function describeFailure(
  place: Place,
  { failure = new AuthUnavailableError('timeout'), isCut = true, warnings }: Asked,
  { calls }: Pick<Watched, 'calls'>,
  timeoutMs: number,
): Finding {
  const { reason, status = 0, explanation } = failure
  const { url, cause } = calls.at(-1) ?? {}
  const [warned] = warnings
  const told = error(place, `${warned ?? explanation ?? `No answer: ${reason}`}.`)
  if (url === undefined) return told
  const asked = showUrl(url)
  if (reason === 'timeout') {
    const within = isCut ? `within ${showDuration(timeoutMs)}` : 'in time'
    return outage(place, `${asked} did not answer ${within}.`, adviceOnCause(reason, undefined))
  }
  if (reason === 'unreachable') {
    const make = LASTING.test(cause ?? '') ? error : outage
    const why = cause === undefined ? '' : ` (${cause})`
    const advice = inKeys(adviceOnCause(reason, cause))
    return make(place, `${asked} cannot be reached${why}.`, advice)
  }
  if (status >= 500 || reason === 'rate_limited') {
    return outage(place, `${asked} answered ${status}.`, inKeys(adviceOnCause(reason, undefined)))
  }
  return told
}

export const OPEN = 'It allows a made-up token, so that every caller would get in.'
export const ADVICE_ON_OPEN = 'Does the URL lead to the right service?'
