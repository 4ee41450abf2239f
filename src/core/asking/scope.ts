import type { Context } from '../request/question.ts'
import type { CheckedVerifier } from '../endpoint/checked-verifier.ts'
import type { Transport } from '../verifier.ts'
import type { Scope } from '../seams.ts'

/** The options that give a decision its meaning. */
export interface DecidingOptions {
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
export function scopeOf(config: DecidingOptions, endpoint: string | undefined): Scope {
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
