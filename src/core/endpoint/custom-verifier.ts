import { parseVerdict } from './verdict.ts'
import { orAborted } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { keepAlive, systemClock } from '../runtime.ts'
import type { ParsedVerdict, TimedAsk } from './verdict.ts'
import { escapeUnseen } from '../response/shown-facts.ts'
import type { Check } from '../request/check.ts'
import type { Channel } from '../response/events.ts'
import type { Verifier, VerifierRun } from '../verifier.ts'

const NAMELESS = '"verifier" allowed without a principal, which "identity" requires'
/** In a minute. */
const MOST_WARNINGS = 64
const MINUTE_MS = 60_000
const LONGEST_WARNING = 1024

/** Asks a function of the user, and trusts nothing that it returns. */
export function createCustomVerifier(
  verifier: Verifier,
  identity: 'optional' | 'required',
  channel: Channel,
  ignoresTenant = false,
): TimedAsk {
  const warn = createWarn(channel)
  return async (check, deadline, signal) => {
    const run = createRun(check, deadline, warn, channel, ignoresTenant)
    const verdict = await askVerifier(verifier, check, signal, run)
    if (verdict.outcome === 'deny' || identity === 'optional') return verdict
    if (verdict.auth.principal !== undefined) return verdict
    throw new AuthUnavailableError('invalid_response', { explanation: NAMELESS })
  }
}

/** Asks a verifier one question, and checks the verdict. */
export async function askVerifier(
  verifier: Verifier,
  check: Check,
  signal: AbortSignal,
  run: VerifierRun,
): Promise<ParsedVerdict> {
  check.attempts += 1
  const pending = Promise.resolve(verifier(check.question, signal, run))
  return parseVerdict(await orAborted(pending, signal), check.token, run.ignoresTenant)
}

function createRun(
  check: Check,
  deadline: number,
  warn: (message: string) => void,
  { report }: Channel,
  ignoresTenant: boolean,
): VerifierRun {
  return {
    ignoresTenant,
    waitUntil: (work) => keepAlive(check.args, work),
    warn,
    report: (event) => report?.(event),
    by: (label) => {
      check.verifier = label
    },
    answered: (status) => {
      check.endpointStatus = status
    },
    timeLeftMs: () => deadline - systemClock.now(),
    trace: check.trace,
    client: check.readAddress,
  }
}

// A verifier that puts a part of a token into its warnings must not fill the memory or the log, nor silence it for ever.
function createWarn({ notify }: Channel): (message: unknown) => void {
  const givenAt = new Map<string, number>()
  return (given) => {
    const message = escapeUnseen(String(given).slice(0, LONGEST_WARNING))
    const now = systemClock.now()
    for (const [old, at] of givenAt) if (now - at >= MINUTE_MS) givenAt.delete(old)
    if (givenAt.size >= MOST_WARNINGS || givenAt.has(message)) return
    givenAt.set(message, now)
    notify({ type: 'warning', message })
  }
}
