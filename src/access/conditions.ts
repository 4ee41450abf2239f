import { invalidOption } from '../core/config/option-checks.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Auth } from '../core/types.ts'

/** Whether a condition holds. `undefined` if the caller has no such attribute. */
export type Condition = (auth: Auth) => boolean | undefined

// OGX splits at the white space of Python. A character that is white space in JavaScript alone is part of a word.
// oxlint-disable-next-line no-control-regex
const SPACES = /[\p{Z}\t-\r\x1c-\x1f\x85]+/u
const WORD = String.raw`([^\s\p{Cc}]+)`
const BY_ATTRIBUTE = new RegExp(`^user with ${WORD} (not )?in ${WORD}$`, 'u')
const BY_OWNER = /^(?:user (?:is|(?:not )?in owners)|resource is unowned)\b/

const EXPECTED = '"user with VALUE in ATTRIBUTE" or "user with VALUE not in ATTRIBUTE"'
const NO_OWNER = `${EXPECTED}: a path has no owner, so a condition about one decides nothing`

/** Parses a condition. Throws `AuthConfigError`: one that is ignored would permit or forbid the wrong callers. */
export function parseCondition(value: unknown, path: OptionPath): Condition {
  const words = typeof value === 'string' ? value.split(SPACES) : []
  // A block of YAML ends with a line break.
  const text = words.filter((word) => word !== '').join(' ')
  const [, wanted, negation, name] = BY_ATTRIBUTE.exec(text) ?? []
  if (wanted === undefined || name === undefined) {
    throw invalidOption(path, value, BY_OWNER.test(text) ? NO_OWNER : EXPECTED)
  }
  return ({ attributes }) => {
    if (!Object.hasOwn(attributes, name)) return undefined
    return attributes[name]?.includes(wanted) === (negation === undefined)
  }
}

/** Holds if all of these hold. */
export function allOf(conditions: readonly Condition[]): Condition {
  return (auth) => {
    const results = new Set(conditions.map((condition) => condition(auth)))
    if (results.has(false)) return false
    return results.has(undefined) ? undefined : true
  }
}

/** Holds if none of these holds. */
export function noneOf(conditions: readonly Condition[]): Condition {
  const opposites = conditions.map((condition): Condition => (auth) => {
    const result = condition(auth)
    return result === undefined ? undefined : !result
  })
  return allOf(opposites)
}
