import type { ResolvedConfig } from './config/parse.ts'
import type { Scope } from './decision-cache.ts'

type Decides = Pick<
  ResolvedConfig,
  | 'verifier'
  | 'traits'
  | 'fetch'
  | 'endpointHeaders'
  | 'context'
  | 'identity'
  | 'tenant'
  | 'tenantField'
>

// Changes with the encoding of a question, so that a decision of another version never answers one of this.
const VERSION = 1

// A function has no content to compare, so it gets a number. It means nothing outside of this process.
const numbers = new WeakMap<object, number>()
let last = 0

/** What gives the decisions of a guard their meaning. Deadlines, retries and responses change no decision. */
export function scopeOf(config: Decides, endpoint: string | undefined): Scope {
  const { verifier, traits, fetch, context, identity, tenant, tenantField } = config
  const id = verifier === undefined ? fetch.id : traits?.id
  // The headers may tell the endpoint whose keys it must look among. A hit does not check the form of its token again.
  const asked = [VERSION, endpoint, config.endpointHeaders, id, context, traits?.namesCaller]
  const decided = [...asked, identity, tenant, tenantField]
  return {
    common: JSON.stringify(decided.map((part) => part ?? null)),
    own: id === undefined ? String(numberOf(verifier ?? fetch)) : '',
  }
}

function numberOf(value: object): number {
  const known = numbers.get(value)
  if (known !== undefined) return known
  last += 1
  numbers.set(value, last)
  return last
}
