import type { Auth, DenialReason } from '../../../src/core/types.ts'

/** A point in a history. `seq` orders events at the same time. */
export interface Moment {
  readonly seq: number
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  /** Milliseconds of the wall clock. */
  readonly wall: number
}

/** The response of the endpoint, or its failure to respond. */
export interface Answer {
  readonly status: number | 'reset' | 'hang'
  readonly cacheControl?: string
  /** The `exp` of the body, in seconds from the full second of the question. */
  readonly expiresIn?: number
  readonly latencyMs: number
  /** It answers even after the caller aborted. */
  readonly isDeaf: boolean
}

/** A guard of a history. */
export interface Asker {
  /** Differs for each guard, and after a reload. */
  readonly guard: number
  /** Equal for guards that decide alike. */
  readonly scope: string
}

/** One call to the endpoint. */
export interface Call extends Asker {
  readonly id: number
  readonly token: string
  /** The JSON that it got, and the scope of its guard. */
  readonly told: string
  readonly asked: Moment
  readonly answer: Answer
  readonly principal: string
  /** In seconds. */
  readonly exp: number | undefined
  ended?: Moment & { readonly as: 'answered' | 'reset' | 'abandoned' }
}

/** One request and its decision. */
export interface Asking extends Asker {
  readonly token: string
  /** The JSON that the endpoint must get for it, and the scope of its guard. */
  readonly told: string
  readonly started: Moment
  ended?: Moment
  auth?: Auth
  reason?: DenialReason
  /** Whether the short way decided as the long one. Absent if it left the request to that, as it must without a cached allow. */
  short?: 'alike' | 'otherwise' | undefined
}

/** The options that the oracle needs. */
export interface Rules {
  readonly timeoutMs: number
  readonly cache:
    | false
    | {
        readonly allowTtlMs: number
        readonly denyTtlMs: number
        readonly staleIfErrorMs: number
        readonly maxEntries: number
      }
  readonly retry: false | { readonly attempts: number }
  readonly circuitBreaker: false | { readonly openMs: number }
  readonly concurrency: { readonly maxInFlight: number; readonly maxWaiting: number }
}

export interface Log {
  readonly rules: Rules
  readonly calls: Call[]
  readonly askings: Asking[]
  /** Without a token everything was invalidated. */
  readonly invalidations: { readonly moment: Moment; readonly token: string | undefined }[]
  /** The jumps of the wall clock, the last one first. */
  readonly jumps: { readonly moment: Moment; readonly ms: number }[]
  readonly circuit: {
    readonly moment: Moment
    readonly state: 'open' | 'half_open' | 'closed'
    readonly tokens: 'known' | 'unknown'
    readonly guard: number
  }[]
  readonly decisions: { attempts: number; stale: number; count: number }
  /** The number of timers that were set while no request waited. */
  idleTimers: number
}

/** A history in lines, to read a counterexample. */
export function describeLog({ rules, calls, askings, invalidations, circuit }: Log): string {
  const lines: (readonly [Moment, string])[] = []
  for (const [index, { guard, told, started, ended, auth, reason }] of askings.entries()) {
    const outcome = auth === undefined ? reason : `allow by ${String(auth.attributes['call'])}`
    lines.push([started, `request ${index} to guard ${guard}: ${told}`])
    lines.push([
      ended ?? started,
      `request ${index} ends: ${outcome}${auth?.stale ? ' stale' : ''}`,
    ])
  }
  for (const { id, told, asked, ended, answer, exp } of calls) {
    lines.push([asked, `call ${id}: ${told} will say ${JSON.stringify({ ...answer, exp })}`])
    lines.push([ended ?? asked, `call ${id} is ${ended?.as ?? 'never answered'}`])
  }
  for (const { moment, token } of invalidations) lines.push([moment, `forget ${token ?? 'all'}`])
  for (const { moment, state, tokens, guard } of circuit) {
    lines.push([moment, `circuit of ${tokens} tokens of guard ${guard} ${state}`])
  }
  lines.sort(([one], [other]) => one.seq - other.seq)
  const told = lines.map(([{ at, wall }, line]) => `${at} (${wall}) ${line}`)
  return [JSON.stringify(rules), ...told].join('\n')
}
