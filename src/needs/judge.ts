import { ignore } from '../core/async.ts'
import type { ForbiddenReason, Implies } from '../core/seams.ts'
import type { Auth } from '../core/types.ts'
import type { Need } from './need.ts'

/** How a caller meets a need. */
interface NeedResult {
  /** `undefined` if everything holds. */
  readonly refusal: ForbiddenReason | undefined
  /** The scopes that the need asks of this caller, also those that it holds. */
  readonly scopes: readonly string[]
}

/** Compares what a caller has with what is needed. */
export function judgeNeed(need: Need, auth: Auth | undefined, implies: Implies): NeedResult {
  const granted = auth?.scopes ?? []
  const holds = (scope: string): boolean => holdsScope(granted, scope, implies)
  const { scopes = [], anyScope = [] } = need
  const held = anyScope.filter(holds)
  const asked = [...scopes, ...(held.length === 0 ? anyScope.slice(0, 1) : held)]
  if (!meetsOthers(need, auth)) return { refusal: 'forbidden', scopes: asked }
  return { refusal: asked.every(holds) ? undefined : 'insufficient_scope', scopes: asked }
}

/** Whether one of the granted scopes is the needed one, or includes it. */
function holdsScope(granted: readonly string[], needed: string, implies: Implies): boolean {
  if (granted.includes(needed)) return true
  if (implies === undefined) return false
  try {
    return granted.some((scope) => {
      const answer: unknown = implies(scope, needed)
      // An async function returns a promise, whose rejection would end a Node process.
      ignore(answer)
      return answer === true
    })
  } catch {
    // A hierarchy that cannot be read includes nothing.
    return false
  }
}

function meetsOthers({ roles, attributes = {}, principal }: Need, auth: Auth | undefined): boolean {
  const needed = Object.entries(attributes)
  if (roles !== undefined) needed.push(['roles', roles])
  return (
    (principal === undefined || isNamed(principal, auth)) &&
    needed.every(([name, values]) => hasOneOf(auth?.attributes, name, values))
  )
}

function isNamed(names: readonly string[], auth: Auth | undefined): boolean {
  return auth?.principal !== undefined && names.includes(auth.principal)
}

function hasOneOf(
  attributes: Auth['attributes'] | undefined,
  name: string,
  values: readonly string[],
): boolean {
  if (attributes === undefined || !Object.hasOwn(attributes, name)) return false
  return values.some((value) => attributes[name]?.includes(value) === true)
}
