import { isMap, isScalar } from 'yaml'
import { isHttpToken, unknownProblem } from '../core/config/option-checks.ts'
import { describeProblem } from '../core/config/problems.ts'
import { isCode, placeOf } from './origins.ts'
import { MASKED } from './problems.ts'
import { coerce, expandReferences, hasReference, scalarOf } from './references.ts'
import { isBare, isEmpty, keyText, rangeOf, scalarText, shownName } from './tree.ts'
import type { Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { Fields, Form } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Origin, Reading } from './origins.ts'
import type { Findings } from './problems.ts'

/** An option of a file. */
export type FileForm = Form & {
  /** A value in it that comes out empty is a problem: left out, it could permit more. */
  readonly needsValues?: true
}

/** The values that a file may have for an option that takes other ones in code. */
export interface Parts {
  /** A mapping with these options, */
  readonly fields?: Fields
  /** a mapping of any names to these, */
  readonly entries?: Form
  /** or a list of these. */
  readonly items?: Form
}

export function partsOf(form: Form): Parts {
  if (form.kind === 'list' && form.canBeOne === true) return { ...partsOf(form.items), ...form }
  return form.kind === 'code' || form.kind === 'group' || form.kind === 'list' ? form : {}
}

/** Only code can make it. */
export function isFunction(form: Form): boolean {
  return form.kind === 'function'
}

/** A part of a file as an object, whose names are options. */
export type Values = Record<string, unknown>

/** Returns the key of an option: `timeout_ms` for `timeoutMs`. */
export function keyOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A section of a file. */
export interface Section {
  readonly reading: Reading
  readonly options: Values
}

/** Where a value is read: its key in the file, and its path in the object. */
interface At {
  readonly key: string
  readonly path: OptionPath
}

/** Reads the pairs of a mapping whose keys are options. */
export function readFields(
  pairs: readonly Pair[],
  { key, path }: At,
  fields: Fields,
  reading: Reading,
): Values {
  // Has no prototype: a property of Object.prototype must not become an option.
  const values: Values = Object.create(null)
  for (const pair of pairs) {
    if (reading.findings.hasMore()) break
    const name = keyText(pair.key)
    const [option, form] = Object.entries(fields).find(([known]) => keyOf(known) === name) ?? []
    if (option === undefined || form === undefined || isFunction(form)) {
      rejectKey(pair, key, option, fields, reading.findings)
      continue
    }
    if (reading.dropsNull === true && isEmpty(reading.tree.resolve(pair.value))) continue
    const at = { key: `${key}.${keyOf(option)}`, path: [...path, option] }
    const value = readPair(pair, at, form, reading)
    if (value !== undefined) values[option] = value
  }
  return values
}

export function readPair({ key, value }: Pair, at: At, form: Form, reading: Reading): unknown {
  if (value !== null) return readValue(value, at, form, reading)
  // `{ endpoint }`: a key without a value.
  reading.origins.set(at.path, { key: at.key, node: key })
  return null
}

/** Returns `undefined` for a value that comes out empty. */
function readValue(node: unknown, at: At, given: FileForm, outer: Reading): unknown {
  const reading = {
    ...outer,
    needsValues: outer.needsValues === true || given.needsValues === true,
    // Below a name that the user chose, `null` may be a value that was meant.
    dropsNull: outer.dropsNull === true && partsOf(given).fields !== undefined,
  }
  const found = reading.tree.resolve(node)
  // Has no prototype: a property of Object.prototype must not become a part of the form.
  const form: Form = Object.assign(Object.create(null), given)
  const origin = { key: at.key, node, form }
  const value = isScalar(found)
    ? readScalar(found, origin, form, reading)
    : found && readParts(found, at, form, reading)
  if (value !== undefined) reading.origins.set(at.path, origin)
  return value
}

function readParts(node: YAMLMap | YAMLSeq, at: At, form: Form, reading: Reading): unknown {
  return isMap(node) ? readMap(node, at, form, reading) : readItems(node.items, at, form, reading)
}

// A mapping or list that the option does not accept becomes an empty one, which its kind rejects.
function readMap(map: YAMLMap, at: At, form: Form, reading: Reading): Values {
  const { fields, entries } = partsOf(form)
  if (fields !== undefined) return { ...readFields(map.items, at, fields, reading) }
  if (entries === undefined) return {}
  const values: [name: string, value: unknown][] = []
  for (const pair of map.items) {
    const name = readEntryName(pair, at.key, form, reading)
    if (name === undefined) continue
    const inner = { key: `${at.key}.${name}`, path: [...at.path, name] }
    const value = readPair(pair, inner, entries, reading)
    if (value !== undefined) values.push([name, value])
  }
  // Makes own properties, also of `__proto__`.
  return Object.fromEntries(values)
}

function readItems(
  items: readonly unknown[],
  { key, path }: At,
  form: Form,
  reading: Reading,
): readonly unknown[] {
  const values: unknown[] = []
  const { items: one } = partsOf(form)
  if (one === undefined) return values
  for (const [index, item] of items.entries()) {
    const at = { key: `${key}[${index}]`, path: [...path, values.length] }
    const value = readValue(item, at, one, reading)
    // The number of an API key is a name, so that one which came out empty keeps its place.
    if (value !== undefined || isCode(form, 'apiKeys')) values.push(value)
  }
  return values
}

/** Reads a value that is one scalar. A text may refer to the environment. */
function readScalar(scalar: Scalar, origin: Origin, form: Form, reading: Reading): unknown {
  const { value } = scalar
  if (typeof value !== 'string' || !hasReference(value)) return literalOf(scalar, form)
  const { tree, findings, environment, needsValues } = reading
  const { place, isMasked } = placeOf(origin, tree)
  const { text, problems } = expandReferences(value, environment, isMasked)
  const isMissing = needsValues === true && text === '' && problems.length === 0
  for (const problem of isMissing ? [EMPTY] : problems) {
    findings.add(place, origin.key, `"${origin.key}": ${problem}`, isMasked)
  }
  return problems.length > 0 || text === '' ? undefined : coerce(text, form)
}

const EMPTY =
  'The value comes out empty, and without it more could be permitted. Set the variable, or remove the key'

// A secret, a header name or a realm may look like a number. Its text must stay as written.
function literalOf(scalar: Scalar, form: Form): unknown {
  const isText = scalarOf(form) === 'string' && ['number', 'boolean'].includes(typeof scalar.value)
  return isText ? scalarText(scalar) : scalar.value
}

function readEntryName(
  pair: Pair,
  parent: string,
  form: Form,
  { findings }: Reading,
): string | undefined {
  const name = keyText(pair.key)
  const isClaims = isCode(form, 'attributes')
  if (!isBare(pair) && (isClaims ? name !== undefined : isHttpToken(name))) return name
  const expected = isClaims ? 'claims' : 'valid header names'
  const message = `"${parent}" must be made of ${expected}, each with its value`
  findings.add(rangeOf(pair.key), parent, message, MASKED)
  return undefined
}

function rejectKey(
  pair: Pair,
  parent: string,
  option: string | undefined,
  fields: Fields,
  findings: Findings,
): void {
  const place = rangeOf(pair.key)
  const name = keyText(pair.key)
  if (name === undefined) {
    return findings.add(place, parent, `A key of "${parent}" must be a plain name`, MASKED)
  }
  const key = `${parent}.${shownName(pair).slice(0, 80)}`
  const add = (message: string, problem?: OptionProblem): void =>
    findings.add(place, key, message, isBare(pair), problem)
  if (option !== undefined) {
    return add(
      `"${key}" is a function: set it in code, as in withAuth(handler, { ...config, ${option} })`,
    )
  }
  if (name === '<<') {
    return add(`"${key}" is a merge key, which is not supported here: write out its keys`)
  }
  const inFile = Object.entries(fields).filter(([, form]) => !isFunction(form))
  const known = inFile.map(([one]) => keyOf(one))
  const problem = { ...unknownProblem([name], known), isSecret: isBare(pair) }
  const shown = isBare(pair) ? { ...problem, optionPath: [] } : problem
  return add(
    describeProblem(problem, () => JSON.stringify(key)),
    shown,
  )
}
