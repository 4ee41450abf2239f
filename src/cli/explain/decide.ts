import { createGate, enter } from '../../core/gate.ts'
import { createPublicCheck } from '../../core/response/exemption.ts'
import { parseTarget } from '../../core/request/target.ts'
import { define, redefine } from '../../verifiers/define-verifier.ts'
import { createRequest } from './question.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { CheckedVerifier, Verify } from '../../core/endpoint/checked-verifier.ts'
import type { ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { AuthEvent, DecisionEvent } from '../../core/types.ts'
import type { GivenIdentity, Question } from './question.ts'
import type { Subject } from './subject.ts'

/** A decision about one request, with everything that was seen on the way. */
export interface Decided {
  readonly request: Request
  /** The canonical path. */
  readonly path: string
  readonly event: DecisionEvent | undefined
  readonly warnings: readonly string[]
  /** The verdict about the token, before what callers may do. */
  readonly verdict: ParsedVerdict | undefined
  /** Absent if the request goes on to the server. */
  readonly response: Response | undefined
}

/** Stands for the token of an identity that is given. */
const NO_TOKEN = 'x'.repeat(8)

/**
 * Decides about one request as the guard would, once. Nothing is cached, shared or written.
 *
 * @param by The token, or the caller whom a service would name.
 */
export async function decideOnce(
  subject: Subject,
  question: Question,
  path: string,
  by: string | GivenIdentity,
): Promise<Decided> {
  subject.watch.restart()
  const isGiven = typeof by !== 'string'
  let verdict: ParsedVerdict | undefined
  const events: AuthEvent[] = []
  const noted = noteVerdict(isGiven ? verifierFor(by) : subject.verifier, (one) => {
    verdict = one
  })
  const config = configFor(subject, noted, isGiven, (event) => void events.push(event))
  const addressOf = (): string | undefined => question.address
  const asked = isGiven ? BY_BEARER : subject.resolved
  const token = isGiven ? NO_TOKEN : by
  const request = createRequest(question, path, token, asked)
  const decision = createGate(config, addressOf).decide(request, [])
  const response = await enter(
    decision,
    () => undefined,
    (rejection) => rejection.response,
  )
  return {
    request,
    path: parseTarget(request.url)?.path ?? '',
    event: events.find((event) => event.type === 'decision'),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    verdict,
    response,
  }
}

const BY_BEARER = { credentials: ['bearer'], namesCaller: false } as const

function noteVerdict(
  verifier: CheckedVerifier,
  note: (verdict: ParsedVerdict) => void,
): CheckedVerifier {
  const verify: Verify = async (question, signal, run) => {
    const verdict = await verifier.verify(question, signal, run)
    note(verdict)
    return verdict
  }
  return redefine(verifier, { verify, warnings: [] })
}

function verifierFor(identity: GivenIdentity): CheckedVerifier {
  return define({ ask: () => ({ outcome: 'allow', ...identity }), reads: {}, local: true })
}

/** The config of the guard, without what it would remember or write. */
function configFor(
  { config, resolved }: Subject,
  verifier: CheckedVerifier,
  isGiven: boolean,
  onEvent: NonNullable<AuthConfig['onEvent']>,
): AuthConfig {
  const { endpoint: _e, endpointHeaders: _h, allowInsecureHttp: _a, fetch: _f, ...rest } = config
  // An endpoint looks for the principal itself, and says more about it.
  const identity = resolved.verifier === undefined ? 'optional' : resolved.identity
  return {
    ...rest,
    ...(isGiven ? { credentials: 'bearer' } : {}),
    identity,
    verifier,
    cache: false,
    mode: 'enforce',
    onEvent,
  }
}

/** The public path that a request is about, by its place in the list. */
export function findPublic({ resolved }: Subject, { request, path }: Decided): number {
  return resolved.public.findIndex((rule) => createPublicCheck([rule])?.(path, request) === true)
}
