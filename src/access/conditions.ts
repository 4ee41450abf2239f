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

/** The attribute that a condition asks for, and the value that it has or has not. `undefined` for what is not a condition. */
export function readCondition(
  value: unknown,
): { readonly wanted: string; readonly name: string; readonly isIn: boolean } | undefined {
  const [, wanted, negation, name] = BY_ATTRIBUTE.exec(wordsOf(value)) ?? []
  if (wanted === undefined || name === undefined) return undefined
  return { wanted, name, isIn: negation === undefined }
}

function wordsOf(value: unknown): string {
  const words = typeof value === 'string' ? value.split(SPACES) : []
  // A block of YAML ends with a line break.
  return words.filter((word) => word !== '').join(' ')
}

/** Parses a condition. Throws `AuthConfigError`: one that is ignored would permit or forbid the wrong callers. */
export function parseCondition(value: unknown, path: OptionPath): Condition {
  const condition = readCondition(value)
  if (condition === undefined) {
    throw invalidOption(path, value, BY_OWNER.test(wordsOf(value)) ? NO_OWNER : EXPECTED)
  }
  const { wanted, name, isIn } = condition
  return ({ attributes }) => {
    if (!Object.hasOwn(attributes, name)) return undefined
    return attributes[name]?.includes(wanted) === isIn
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
