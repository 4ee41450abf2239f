import { permitsStaleOfLocal } from '../../core/asking/outage.ts'
import { systemClock as clock } from '../../core/runtime.ts'
import { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import { askBy } from '../adapt.ts'
import { describeAll } from './describe.ts'
import { createMember, isOwn } from './member.ts'
import { contextOf, parseFirstOf } from './options.ts'
import type { Verify } from '../../core/endpoint/checked-verifier.ts'
import type { DenyVerdict, ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { DefinedVerifier, Question, Verifier, VerifierRun } from '../../core/verifier.ts'
import type { AskMember, Attempt } from './member.ts'
import type { FirstOfOptions } from './options.ts'

interface Member {
  readonly verifier: CheckedVerifier
  readonly ask: AskMember
}

const NO_VERIFIER: DenyVerdict = { outcome: 'deny', isLasting: true, detail: 'no_verifier' }
// For a caller other than a guard.
const DEFAULT_BUDGET_MS = 5000

/**
 * Makes one verifier of several. Each token goes to the first one whose `accepts` returns `true` for it, or that has none;
 * that one decides alone, so that a token of one service never reaches another. Without such a verifier the token is denied.
 *
 * Each verifier gets the parts of a request that it reads, and no other. One that asks a service has a circuit breaker, a limit
 * and retries of its own: an outage of one service rejects the tokens of that service alone. The options of those names beside
 * `verifier` have no effect.
 *
 * @param verifiers In the order in which they are asked. A function without `reads` reads the usual context.
 * @throws AuthConfigError for verifiers or options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { endpointVerifier, firstOf, introspection } from 'with-auth/verifiers'
 *
 * declare const env: { readonly CLIENT_SECRET: string }
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: firstOf([
 *     introspection({
 *       url: 'https://login.example.com/oauth2/introspect',
 *       client: { id: 'my-api', secret: env.CLIENT_SECRET },
 *       accepts: (token) => token.startsWith('ory_at_'),
 *     }),
 *     endpointVerifier({
 *       endpoint: 'https://auth.example.com/validate',
 *       context: { headers: [], params: 'none', path: false },
 *     }),
 *   ]),
 *   cache: memoryCache(),
 * })
 * ```
 */
export function firstOf(
  verifiers: readonly Verifier[],
  options: FirstOfOptions = {},
): DefinedVerifier {
  return defineFirstOf(verifiers, options)
}

/** Makes the verifier of {@link firstOf}. */
export function defineFirstOf(
  verifiers: readonly Verifier[],
  options: FirstOfOptions,
): CheckedVerifier {
  const parsed = parseFirstOf(verifiers, options)
  const { fallThrough } = parsed.options
  const members = parsed.verifiers.map((verifier): Member => ({
    verifier,
    ask: createMember(verifier, contextOf(verifier), parsed.options, !fallThrough),
  }))
  const verify: Verify = async (question, signal, run) => {
    const asked = choose(members, question.token, fallThrough)
    if (asked.length === 0) return NO_VERIFIER
    return conclude(await askInTurn(asked, question, signal, run), run)
  }
  return new CheckedVerifier({ ...describeAll(parsed), verify, ask: askBy(verify) })
}

function choose(members: readonly Member[], token: string, all: boolean): readonly Member[] {
  const isChosen = ({ verifier }: Member): boolean => isOwn(verifier, token)
  if (all) return members.filter(isChosen)
  const first = members.find(isChosen)
  return first === undefined ? [] : [first]
}

/** Asks one member after another, until one allows. Each gets an equal part of the time that is left. */
async function askInTurn(
  members: readonly Member[],
  question: Question,
  signal: AbortSignal,
  run: VerifierRun,
): Promise<readonly Attempt[]> {
  const end = clock.now() + (run.timeLeftMs?.() ?? DEFAULT_BUDGET_MS)
  const attempts: Attempt[] = []
  for (const [index, member] of members.entries()) {
    const now = clock.now()
    const deadline = now + (end - now) / (members.length - index)
    const attempt = await member.ask(question, deadline, signal, run)
    attempts.push(attempt)
    if (attempt.verdict?.outcome === 'allow' || signal.aborted) break
  }
  return attempts
}

/**
 * Any allow allows. Without one an outage decides: a member that was not reached might have allowed. A cached allow may stand in
 * only for the member that gave it, and not if that member denies. If none is known to have given it, any denial counts.
 */
function conclude(attempts: readonly Attempt[], { by }: VerifierRun): ParsedVerdict {
  const failed = findFailure(attempts)
  const decisive =
    attempts.find(({ verdict }) => verdict?.outcome === 'allow') ?? failed ?? attempts[0]
  if (decisive?.label !== undefined) by?.(decisive.label)
  if (decisive?.verdict?.outcome === 'allow') return decisive.verdict
  const own = attempts.filter(({ hasAllowed }) => hasAllowed)
  const isDenied = (own.length > 0 ? own : attempts).some(({ verdict }) => verdict !== undefined)
  if (failed !== undefined && !isDenied) throw failed.error
  return { ...denyAll(attempts), ...(failed && { error: failed.error }) }
}

/** The failure of a member that allowed the token lately, or else of any member. A failure that is not an outage goes first. */
function findFailure(attempts: readonly Attempt[]): Attempt | undefined {
  const failures = attempts.filter(({ error }) => error !== undefined)
  const own = failures.filter(({ hasAllowed }) => hasAllowed)
  const relevant = own.length > 0 ? own : failures
  return relevant.find(({ error }) => !permitsStaleOfLocal(error)) ?? relevant[0]
}

/** The denial of all members. It is cached for as long as each of them permits. */
function denyAll(attempts: readonly Attempt[]): DenyVerdict {
  const denials = attempts.flatMap(({ verdict }) => (verdict?.outcome === 'deny' ? [verdict] : []))
  const ages = denials.flatMap(({ maxAgeMs }) => (maxAgeMs === undefined ? [] : [maxAgeMs]))
  const { detail, explanation } = denials.find((denial) => denial.detail !== undefined) ?? {}
  const { reason } = denials.find((denial) => denial.reason !== undefined) ?? {}
  return {
    outcome: 'deny',
    isLasting: denials.every(({ isLasting }) => isLasting),
    ...(reason && { reason }),
    detail,
    explanation,
    maxAgeMs: ages.length === 0 ? undefined : Math.min(...ages),
  }
}
