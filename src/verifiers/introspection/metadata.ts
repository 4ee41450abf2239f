import { orAborted } from '../../core/async.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { systemClock } from '../../core/runtime.ts'
import { hostOf, warning } from '../ask.ts'
import { discoverUrl } from '../discovery.ts'
import { Tries } from '../tries.ts'
import type { VerifierRun } from '../../core/verifier.ts'
import type { DiscoveryOptions } from '../discovery.ts'

/** Finds the URL to ask. Throws `AuthUnavailableError` while it is not known. */
export type FindUrl = (signal: AbortSignal, run: VerifierRun) => string | Promise<string>

const HOUR_MS = 3_600_000
const TIMEOUT_MS = 5000

/** Finds the endpoint in the metadata of the issuer, and looks again after an hour, while the old one serves. */
export function createFindUrl(options: Omit<DiscoveryOptions, 'timeoutMs'>): FindUrl {
  let found: { readonly url: string; readonly at: number } | undefined
  const tries = new Tries<string>(
    {
      attempt: (signal, run) =>
        warning(
          run,
          (status) => `${hostOf(options.issuer)} answered ${status}: check "issuer"`,
          discoverUrl(options, 'introspection_endpoint', signal),
        ),
      timeoutMs: TIMEOUT_MS,
      onGood: (url, { now: at }) => void (found = { url, at }),
      onFailure: () => undefined,
    },
    systemClock,
  )
  return (signal, run) => {
    const isFresh = found !== undefined && systemClock.now() - found.at < HOUR_MS
    const pending = isFresh ? undefined : (tries.underWay() ?? tries.start(run))
    if (found !== undefined) return found.url
    if (pending === undefined) throw tries.lastError ?? new AuthUnavailableError('unreachable')
    return orAborted(tries.waitFor(pending, 1).then(urlOrThrow), signal)
  }
}

function urlOrThrow(outcome: string | AuthUnavailableError | undefined): string {
  if (typeof outcome === 'string') return outcome
  throw outcome ?? new AuthUnavailableError('timeout')
}
