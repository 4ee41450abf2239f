import { parseVerdict } from './verdict.ts'
import { orAborted } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { keepAlive } from '../runtime.ts'
import type { TimedAsk } from './verdict.ts'
import type { Check } from '../request/check.ts'
import type { Channel } from '../response/events.ts'
import type { Verifier, VerifierRun } from '../verifier.ts'

const MOST_WARNINGS = 64

/** Asks a function of the user, and trusts nothing that it returns. */
export function createCustomVerifier(
  verifier: Verifier,
  identity: 'optional' | 'required',
  channel: Channel,
): TimedAsk {
  const warn = createWarn(channel)
  return async (check, _deadline, signal) => {
    check.attempts += 1
    const run = createRun(check, warn, channel)
    const pending = Promise.resolve(verifier(check.question, signal, run))
    const verdict = parseVerdict(await orAborted(pending, signal), check.token)
    if (verdict.outcome === 'deny' || identity === 'optional') return verdict
    if (verdict.auth.principal === undefined) throw new AuthUnavailableError('invalid_response')
    return verdict
  }
}

function createRun(
  check: Check,
  warn: (message: string) => void,
  { report }: Channel,
): VerifierRun {
  return {
    waitUntil: (work) => keepAlive(check.args, work),
    warn,
    report: (event) => report?.(event),
    by: (label) => {
      check.verifier = label
    },
    answered: (status) => {
      check.endpointStatus = status
    },
  }
}

// A verifier that puts a part of a token into its warnings must not fill the memory or the log.
function createWarn({ notify }: Channel): (message: string) => void {
  const given = new Set<string>()
  return (message) => {
    if (given.size >= MOST_WARNINGS || given.has(message)) return
    given.add(message)
    notify({ type: 'warning', message })
  }
}
