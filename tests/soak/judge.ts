import { isHot } from './keys.ts'
import type { FaultyEndpoint } from './faults.ts'
import type { Ledger } from './ledger.ts'

/** The configured times of the server under test. */
export interface Promises {
  readonly allowTtlMs: number
  readonly denyTtlMs: number
  readonly staleIfErrorMs: number
  readonly timeoutMs: number
}

export interface Answered {
  readonly key: string
  readonly sentAt: number
  readonly gotAt: number
  readonly status: number
  readonly body: string
}

export interface Findings {
  readonly allows: number
  readonly staleAllows: number
  readonly denials: number
  readonly unavailable: number
  /** Requests that got "unavailable" although the endpoint had no fault. */
  readonly unexplained: number
  /** Requests with a cached decision during faults. `keptServed` counts those that got a decision. */
  readonly keptAsked: number
  readonly keptServed: number
  /** The first broken promises, in words. */
  readonly wrong: readonly string[]
}

export interface Judge {
  readonly judge: (answered: Answered) => void
  readonly findings: () => Findings
}

const UNAVAILABLE = new Set([
  'timeout',
  'unreachable',
  'circuit_open',
  'overloaded',
  'service_error',
])
const MOST_WRONG = 20

/** Compares every response with the ledger of the endpoint and with its faults. */
export function createJudge(
  ledger: Ledger,
  faults: Pick<FaultyEndpoint, 'areThere' | 'wereThere'>,
  promises: Promises,
): Judge {
  const { allowTtlMs, denyTtlMs, staleIfErrorMs, timeoutMs } = promises
  const freshMs = Math.max(allowTtlMs, timeoutMs)
  const counts = {
    allows: 0,
    staleAllows: 0,
    denials: 0,
    unavailable: 0,
    unexplained: 0,
    keptAsked: 0,
    keptServed: 0,
  }
  const wrong: string[] = []
  /** The last denial that each key got. */
  const told = new Map<string, { gotAt: number; deniedAt: number }>()
  /** When the endpoint gave the last verdict that served each key. */
  const kept = new Map<string, number>()

  const complain = (what: string, { key, status, body }: Answered): void => {
    if (wrong.length < MOST_WRONG) wrong.push(`${what}: ${key} got ${status} ${body}`)
  }

  const judgeAllow = (answered: Answered): void => {
    const { key, sentAt, gotAt } = answered
    const { principal, stale = false } = JSON.parse(answered.body) as {
      principal: string
      stale?: boolean
    }
    const entry = ledger.find(principal)
    counts.allows += 1
    if (stale) counts.staleAllows += 1
    if (entry === undefined) return complain('no such verdict', answered)
    if (entry.key !== key) return complain(`the verdict of ${entry.key}`, answered)
    if (entry.status !== 200) return complain(`the endpoint said ${entry.status}`, answered)
    const age = sentAt - entry.at
    if (age > freshMs + (stale ? staleIfErrorMs : 0)) complain(`${age} ms old`, answered)
    if (stale && !faults.wereThere(sentAt, gotAt)) complain('stale without a fault', answered)
    const denial = told.get(key)
    const isAfterDenial = denial !== undefined && sentAt > denial.gotAt + timeoutMs
    if (isAfterDenial && entry.at < denial.deniedAt)
      complain('an allow from before the denial', answered)
    kept.set(key, entry.at)
  }

  const judgeDenial = (answered: Answered): void => {
    const { key, sentAt, gotAt } = answered
    counts.denials += 1
    kept.delete(key)
    const entry = ledger.lastDenial(key)
    if (entry === undefined || sentAt - entry.at > Math.max(denyTtlMs, timeoutMs)) {
      return complain('refused without a denial', answered)
    }
    if (isHot(key)) told.set(key, { gotAt, deniedAt: entry.at })
  }

  const judgeRefusal = (answered: Answered): void => {
    const code = codeOf(answered.body)
    if (answered.status === 401 && code === 'denied') return judgeDenial(answered)
    counts.unavailable += 1
    if (answered.status !== 503 || !UNAVAILABLE.has(code)) return complain('unexpected', answered)
    if (!faults.wereThere(answered.sentAt, answered.gotAt)) counts.unexplained += 1
  }

  // Jitter shortens a time to live by up to a tenth.
  const isKept = ({ key, gotAt }: Answered): boolean =>
    gotAt - (kept.get(key) ?? -Infinity) < 0.9 * allowTtlMs + staleIfErrorMs

  return {
    judge: (answered) => {
      const isPromised = isKept(answered) && faults.areThere(answered.sentAt)
      if (isPromised) counts.keptAsked += 1
      if (answered.status === 200) judgeAllow(answered)
      else judgeRefusal(answered)
      // A denial is a verdict, not an outage.
      if (isPromised && answered.status !== 503) counts.keptServed += 1
      if (!isHot(answered.key)) kept.delete(answered.key)
    },
    findings: () => ({ ...counts, wrong }),
  }
}

function codeOf(body: string): string {
  try {
    return (JSON.parse(body) as { error: { code: string } }).error.code
  } catch {
    return ''
  }
}
