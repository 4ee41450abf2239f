import { expandReferences, hasReference } from './references.ts'
import { scalarText } from './tree.ts'
import type { Scalar } from 'yaml'
import type { Form } from '../core/config/kinds.ts'
import type { Findings, Range } from './problems.ts'
import type { Environment } from './references.ts'

/** Where a value of the file stands, and whether it may be shown. */
export interface Place {
  /** Such as `server.auth.cache.allow_ttl_ms`. */
  readonly key: string
  readonly place: Range
  /** Whether messages hide the value: it is secret, or comes from the environment. */
  readonly isHidden: boolean
  /** Whether excerpts hide the text in the file: it is, or may hold, a secret. */
  readonly isMasked: boolean
}

/** A value of the file, and its place there. */
export interface Value extends Place {
  /** Set if the environment gave the value. */
  readonly from?: 'environment'
  readonly value: unknown
}

interface ScalarReading {
  readonly environment: Environment
  readonly findings: Findings
  /** A value that comes out empty is a problem. */
  readonly needsValues?: boolean
}

/** Reads a value that is one scalar. A text may refer to the environment. Returns `undefined` for one that comes out empty. */
export function readScalar(
  scalar: Scalar,
  given: Place,
  form: Form,
  { environment, findings, needsValues }: ScalarReading,
): Value | undefined {
  const { value } = scalar
  // A URL may have a password in it, or a key in its query or fragment.
  const isPath = form.kind.startsWith('pattern') && /^(?:regex:|\/)/.test(String(value))
  const mayHoldSecret = !isPath && /[@?#]/.test(String(value))
  const isMasked = given.isMasked || mayHoldSecret
  const isHidden = given.isHidden || (mayHoldSecret && form.isUrl !== true)
  const base = { ...given, isMasked, isHidden }
  if (typeof value !== 'string' || !hasReference(value)) {
    return { ...base, value: literalOf(scalar, form) }
  }
  const { text, problems } = expandReferences(value, environment, isMasked)
  const isMissing = needsValues === true && text === '' && problems.length === 0
  for (const problem of isMissing ? [EMPTY] : problems) {
    findings.add(base.place, base.key, `"${base.key}": ${problem}`, isMasked)
  }
  if (problems.length > 0 || text === '') return undefined
  return { ...base, isHidden: true, from: 'environment', value: coerce(text, form) }
}

const EMPTY =
  'The value comes out empty, and without it more could be permitted. Set the variable, or remove the key'

// A secret, a header name or a realm may look like a number. Its text must stay as written.
function literalOf(scalar: Scalar, { scalar: type }: Form): unknown {
  const isText = type === 'string' && ['number', 'boolean'].includes(typeof scalar.value)
  return isText ? scalarText(scalar) : scalar.value
}

// Llama Stack converts texts from the environment in the same way, for options of that type only.
function coerce(text: string, { scalar: type }: Form): unknown {
  const word = text.trim().toLowerCase()
  if (type === 'boolean' && (word === 'true' || word === 'false')) return word === 'true'
  if (type !== 'number') return text
  const digits = word.replace(/(?<=\d)_(?=\d)/g, '')
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(digits) ? Number(digits) : text
}
