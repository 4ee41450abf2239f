import { parseVerdict } from './verdict.ts'
import { AuthUnavailableError } from '../errors.ts'
import { createLimit } from '../limit.ts'
import { escapeUnseen } from '../redaction.ts'
import { keepAlive, systemClock } from '../runtime.ts'
import type { Check } from '../request/check.ts'
import type { Context } from '../request/question.ts'
import type { NoticeEvent } from '../types.ts'
import type { AskVerifier, DefinedVerifier, Question, VerifierRun } from '../verifier.ts'
import type { Ask, Attempt, ParsedVerdict } from './verdict.ts'

const NAMELESS = '"verifier" allowed without a principal, which "identity" requires'
/** In a minute. A verifier that puts a part of a token into its warnings must not fill the memory or the log. */
const MOST_WARNINGS = 64
const LONGEST_WARNING = 1024

/** Decides about a question as {@link AskVerifier} does. The verdict is checked. */
export type Verify = (
  question: Question,
  signal: AbortSignal,
  run: VerifierRun,
) => Promise<ParsedVerdict>

/** A verifier as guards use it: its traits are checked. One of another copy of the package has another class. */
export class CheckedVerifier implements DefinedVerifier {
  declare readonly ask: AskVerifier
  declare readonly verify: Verify
  /** `undefined` for the usual context. */
  declare readonly reads: Context | undefined
  declare readonly local: true | undefined
  declare readonly consumes: readonly string[]
  declare readonly namesCaller: true | undefined
  declare readonly accepts: DefinedVerifier['accepts']
  declare readonly label: string | undefined
  declare readonly warnings: readonly string[]
  declare readonly id: string | undefined
  declare readonly endsByItself: true | undefined
  declare readonly describe: () => object
  /** The function that it stands for. */
  declare readonly source: object | undefined
  /** The verifiers that it chooses among. */
  declare readonly choices: readonly CheckedVerifier[] | undefined
  /** `true`: its options allow every token, so that a made-up one proves nothing about it. */
  declare readonly trustsNetwork: true | undefined

  constructor(parts: VerifierParts) {
    Object.assign(this, parts)
    Object.freeze(this)
  }

  /** The verifiers that it chooses among, or itself. */
  get members(): readonly CheckedVerifier[] {
    return this.choices ?? [this]
  }

  /** Names it in a problem, also where it is of another copy. */
  get [Symbol.toStringTag](): string {
    return 'Verifier'
  }
}

type Members = Omit<CheckedVerifier, 'members' | typeof Symbol.toStringTag>

/** The traits of a verifier, and the function that decides. */
export type VerifierParts = Partial<Members> &
  Pick<Members, 'ask' | 'verify' | 'consumes' | 'warnings' | 'describe'>

/** Makes the verifier of a function, which says nothing of itself. */
export function verifierOf(ask: AskVerifier): CheckedVerifier {
  return new CheckedVerifier({
    ask,
    verify: verifyBy(ask),
    consumes: [],
    warnings: [],
    describe: () => ({ type: 'function' }),
    source: ask,
  })
}

/** Asks a function of the user, and trusts nothing that it returns. */
export function verifyBy(ask: AskVerifier): Verify {
  return async (question, signal, run) => {
    const given = await ask(question, signal, run)
    return parseVerdict(given, question.token, run.tenant === 'ignored')
  }
}

/** The receiver of what a verifier reports. */
interface Listener {
  readonly report: VerifierRun['report']
  readonly notify: (notice: NoticeEvent) => void
}

/** Asks a verifier for a guard. */
export function createAsk(
  verify: Verify,
  identity: 'optional' | 'required',
  channel: Listener,
): Ask {
  const isNew = createLimit(MOST_WARNINGS)
  const warn = (given: unknown): void => {
    const message = escapeUnseen(String(given).slice(0, LONGEST_WARNING))
    if (isNew(message)) channel.notify({ type: 'warning', message })
  }
  return (check, attempt) => {
    const run = createRun(check, attempt, warn, channel)
    const verdict = verify(check.question, attempt.signal, run)
    return identity === 'optional' ? verdict : requireName(verdict)
  }
}

async function requireName(pending: Promise<ParsedVerdict>): Promise<ParsedVerdict> {
  const verdict = await pending
  if (verdict.outcome === 'deny' || verdict.auth.principal !== undefined) return verdict
  throw new AuthUnavailableError('invalid_response', { explanation: NAMELESS })
}

function createRun(
  check: Check,
  { deadline, facts }: Attempt,
  warn: (message: string) => void,
  { report }: Pick<Listener, 'report'>,
): VerifierRun {
  return {
    tenant: 'optional',
    waitUntil: (work) => keepAlive(check.args, () => work),
    warn,
    report: (event) => report?.(event),
    by: (label) => {
      facts.verifier = label
    },
    answered: (status) => {
      facts.endpointStatus = status
    },
    timeLeftMs: () => deadline - systemClock.now(),
    trace: check.trace,
    client: check.readAddress,
  }
}
