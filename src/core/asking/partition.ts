import type { KnownTokens } from './known-tokens.ts'
import type { PendingCall, UnderWay } from './under-way.ts'
import type { Scope, Stamp } from '../seams.ts'
import type { CheckedVerifier } from '../endpoint/checked-verifier.ts'
import type { Context } from '../request/question.ts'
import type { Transport } from '../verifier.ts'
import type { DenyVerdict, ParsedVerdict } from '../endpoint/verdict.ts'
import type { CallStart } from './call-state.ts'
import type { KnownAdmission } from '../response/admission.ts'
import type { SkipReason } from '../types.ts'

/** An allow, which is the admission itself, so that a hit allocates nothing and reads one object. Or a denial. */
export type CachedDecision = {
  /** The verifier that decided, by its label. */
  readonly verifier: string | undefined
} & (
  | (KnownAdmission & { readonly denial: undefined })
  | { readonly admitted: false; readonly auth: undefined; readonly denial: DenyVerdict }
)

/** The shared knowledge of checks of guards that decide alike. */
export interface AskingMemory {
  readonly tokens: KnownTokens
  /** The calls of all guards of the scope. */
  readonly calls: UnderWay
  /** Drops decisions and known tokens, and tells no store. Calls under way are neither stored nor shared. */
  readonly forget: () => void
}

/** The part of a cache that belongs to the guards of one scope. Caches decisions, never failures. */
export abstract class Partition implements AskingMemory {
  /** Whether an expired allow may stand in during an outage. */
  abstract readonly hasStale: boolean
  /** With a store whose instances share allows: takes the allow of another one, or asks. Lets the others take an allow. */
  abstract readonly share:
    | ((
        start: CallStart,
        ask: (start: CallStart) => Promise<ParsedVerdict>,
      ) => Promise<ParsedVerdict>)
    | undefined
  abstract readonly tokens: KnownTokens
  abstract readonly calls: UnderWay
  abstract forget(): void
  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  abstract lookUp(token: string, told: string): CachedDecision | undefined
  /** The admission of an allow that `lookUp` finds, by the usual `Authorization` field of its token, if nothing else is told. */
  abstract recall(field: string): KnownAdmission | undefined
  /** An allow that has expired, and may stand in during an outage. */
  abstract lookUpStale(token: string, told: string): CachedDecision | undefined
  /** With a store: what is known before anything is sent. */
  abstract stamp(token: string, now: number, wallNow: number): Stamp | undefined
  /**
   * Stores what a call brings, once, before any check is answered. Returns why not.
   *
   * @param isContested Whether it is a denial, and another call for the same question is under way.
   */
  abstract store(
    call: PendingCall,
    verdict: ParsedVerdict,
    isContested: boolean,
  ): SkipReason | undefined
}

/** The verdict that a decision was made of. */
export function verdictOf({ auth, denial }: CachedDecision): ParsedVerdict {
  return denial ?? { outcome: 'allow', auth }
}

/** The options that give a decision its meaning. */
export interface DecisionOptions {
  readonly verifier: CheckedVerifier | undefined
  readonly namesCaller: boolean
  readonly fetch: Transport
  readonly endpointHeaders: Readonly<Record<string, string>>
  readonly context: Context
  readonly identity: 'optional' | 'required'
}

// Changes with the encoding of a question, so that a decision of another version never answers one of this.
const VERSION = 1

// A function has no content to compare, so it gets a number. It means nothing outside of this process.
const numbers = new WeakMap<object, number>()
let last = 0

/** Returns the scope of a guard: all that gives its decisions their meaning. Deadlines, retries and responses change no decision. */
export function scopeOf(config: DecisionOptions, endpoint: string | undefined): Scope {
  const { verifier, namesCaller, fetch, context, identity } = config
  const id = verifier === undefined ? fetch.id : verifier.id
  // The headers may tell the endpoint whose keys it must look among. A hit does not check the form of its token again.
  const decided = [VERSION, endpoint, config.endpointHeaders, id, context, namesCaller, identity]
  return {
    common: JSON.stringify(decided.map((part) => part ?? null)),
    own: id === undefined ? String(numberOf(verifier?.source ?? verifier ?? fetch)) : '',
  }
}

function numberOf(value: object): number {
  const known = numbers.get(value)
  if (known !== undefined) return known
  last += 1
  numbers.set(value, last)
  return last
}
