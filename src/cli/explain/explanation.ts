import { changesFor } from './change.ts'
import { isUndecided } from './why.ts'
import { traceProviders } from './providers.ts'
import { listLeftOut } from './question.ts'
import { explainRules } from './rules.ts'
import { whyOf } from './why.ts'
import type { Auth } from '../../core/types.ts'
import type { Decided } from './decide.ts'
import type { Found } from './why.ts'
import type { ProviderTrace } from './providers.ts'
import type { Question } from './question.ts'
import type { RuleTrace } from './rules.ts'
import type { Subject } from './subject.ts'

/** Everything about one decision, as `--json` prints it. */
export interface Explanation {
  readonly method: string
  readonly path: string
  readonly outcome: 'allowed' | 'rejected' | 'no_decision'
  /** Such as `denied`, or `public` for a path that needs no token. */
  readonly code: string
  readonly detail?: string
  readonly why: string
  /** The changes, each with its place. */
  readonly change: readonly string[]
  readonly caller?: Auth
  readonly providers: readonly ProviderTrace[]
  readonly rules: readonly RuleTrace[]
  /** For how long the decision would be used again. */
  readonly cached?: Cached
  readonly warnings: readonly string[]
  readonly leftOut: readonly string[]
  /** The response that the client would get. Absent if the server behind answers. */
  readonly response?: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

export interface Cached {
  readonly forMs: number
  readonly until?: number
  /** Why it is not. */
  readonly why?: string
}

/** The additions of the command to a decision. */
interface Given {
  readonly question: Question
  readonly token: string
  /** `true` if the caller was given in place of a token. */
  readonly isGiven: boolean
}

export async function explain(
  subject: Subject,
  decided: Decided,
  { question, token, isGiven }: Given,
): Promise<Explanation> {
  const { request, path, event, verdict, response } = decided
  const caller = verdict?.outcome === 'allow' ? verdict.auth : undefined
  const providers = isGiven ? [] : await traceProviders(subject, token, path)
  const access = caller && { auth: caller, path, method: request.method }
  const isRuled = access !== undefined && event?.reason !== 'insufficient_scope'
  const rules = isRuled ? explainRules(subject.rules, access, subject.places) : []
  const url = new URL(request.url)
  const found: Found = { subject, decided, providers, rules, token }
  return {
    method: request.method,
    path: url.pathname + url.search,
    ...outcomeOf(decided),
    ...(event?.detail && { detail: event.detail }),
    why: whyOf(found),
    change: changesFor(found),
    ...(caller && { caller }),
    providers,
    rules,
    ...(verdict === undefined || isGiven ? {} : { cached: cachedFor(subject, decided) }),
    warnings: [...ofMode(subject, decided), ...warningsOf(decided)],
    leftOut:
      isGiven || event?.outcome === 'public'
        ? []
        : listLeftOut(question, url.search, subject.resolved),
    ...(response === undefined ? {} : { response: await readResponse(response) }),
  }
}

function outcomeOf({ event, response }: Decided): Pick<Explanation, 'outcome' | 'code'> {
  // A request for the metadata of a resource has no event.
  if (event === undefined) return { outcome: 'allowed', code: 'resource_metadata' }
  const { outcome, reason } = event
  if (response === undefined || reason === undefined) return { outcome: 'allowed', code: outcome }
  return { outcome: isUndecided(reason) ? 'no_decision' : 'rejected', code: reason }
}

async function readResponse(response: Response): Promise<NonNullable<Explanation['response']>> {
  const headers = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: await response.text() }
}

function ofMode({ resolved }: Subject, { response }: Decided): readonly string[] {
  const isPassed = resolved.mode === 'shadow' && response !== undefined
  return isPassed ? ['"mode" is "shadow": the request reaches the server all the same'] : []
}

// One about this token says again why it was denied, and one about an outage is what to change.
function warningsOf({ warnings, event }: Decided): readonly string[] {
  const { cause, reason } = event ?? {}
  if (reason !== undefined && isUndecided(reason)) return []
  return cause === undefined ? warnings : warnings.filter((text) => !text.includes(cause))
}

function cachedFor({ resolved }: Subject, { verdict }: Decided): Cached {
  const { cache } = resolved
  if (cache === false || verdict === undefined) return { forMs: 0, why: 'there is no "cache"' }
  if (verdict.maxAgeMs === 0) return { forMs: 0, why: 'the answer forbids it' }
  if (!isLasting(verdict)) return { forMs: 0, why: 'this status says nothing lasting' }
  const { allowTtlMs, denyTtlMs } = cache.describe()
  const ttlMs = verdict.outcome === 'allow' ? allowTtlMs : denyTtlMs
  const forMs = Math.floor(Math.min(ttlMs, verdict.maxAgeMs ?? Infinity))
  return { forMs, until: Date.now() + forMs }
}

function isLasting(verdict: NonNullable<Decided['verdict']>): boolean {
  return verdict.outcome === 'allow' || verdict.isLasting
}
