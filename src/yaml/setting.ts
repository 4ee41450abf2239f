import { isMap, isScalar } from 'yaml'
import { isHttpToken, unknownProblem } from '../core/config/option-checks.ts'
import { OPTIONS } from '../core/config/options.ts'
import { describeProblem } from '../core/config/problems.ts'
import { MASKED } from './problems.ts'
import { expandReferences, hasReference } from './references.ts'
import { isBare, keyText, rangeOf, scalarText, shownName } from './tree.ts'
import type { Pair, Scalar, YAMLMap } from 'yaml'
import type { Form } from '../core/config/kinds.ts'
import type { Findings, Range } from './problems.ts'
import type { Environment } from './references.ts'
import type { Tree } from './tree.ts'

type Fields = NonNullable<Form['fields']>

/** The keys of `server.auth.provider_config`. */
export const PROVIDER: Fields = {
  type: { form: { kind: 'text', scalar: 'string' } },
  endpoint: OPTIONS.endpoint,
}

/** The key of an option: `timeout_ms` for `timeoutMs`. */
export function keyOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A value of the file, with the place that it came from. */
export interface Setting {
  /** Such as `server.auth.cache.allow_ttl_ms`. */
  readonly key: string
  readonly place: Range
  /** Whether the value must not be shown: it is secret, or comes from the environment. */
  readonly isHidden: boolean
  /** Whether the text in the file must not be shown: it is, or may hold, a secret. */
  readonly isMasked: boolean
  /** Set if the environment gave the value. */
  readonly from?: 'environment'
  readonly content: Content
}

export type Content =
  | { readonly kind: 'value'; readonly value: unknown }
  /** By the name of the option. */
  | { readonly kind: 'fields'; readonly fields: Map<string, Setting> }
  | { readonly kind: 'items'; readonly items: Setting[] }

/** The file, and where its problems go. */
export interface Reading {
  readonly tree: Tree
  readonly findings: Findings
  readonly environment: Environment
}

/** Reads a value in its form. Returns `undefined` for one that is left out, or has a problem. */
export function readSetting(
  node: unknown,
  key: string,
  form: Form,
  reading: Reading,
): Setting | undefined {
  const value = reading.tree.resolve(node)
  if (value === undefined) return undefined
  const isSecret = form.isSecret === true
  const base = { key, place: rangeOf(node), isHidden: isSecret, isMasked: isSecret }
  if (isScalar(value)) return readScalar(value, base, form, reading)
  const content = isMap(value)
    ? readMap(value, key, form, reading)
    : readItems(value.items, key, form, reading)
  // An excerpt of it would show everything in it.
  return { ...base, isMasked: true, content }
}

/** Reads the pairs of a mapping that has a fixed set of them. */
export function readFields(
  pairs: readonly Pair[],
  key: string,
  fields: Fields,
  reading: Reading,
): Map<string, Setting> {
  const settings = new Map<string, Setting>()
  for (const pair of pairs) {
    if (reading.findings.hasMore()) break
    const option = readOption(pair, key, fields, reading)
    const form = option === undefined ? undefined : fields[option]?.form
    if (option === undefined || form === undefined) continue
    const setting = readPair(pair, `${key}.${keyOf(option)}`, form, reading)
    if (setting !== undefined) settings.set(option, setting)
  }
  return settings
}

function readPair(pair: Pair, key: string, form: Form, reading: Reading): Setting | undefined {
  if (!isBare(pair)) return readSetting(pair.value, key, form, reading)
  // `{ endpoint }`: a key without a value.
  const content = { kind: 'value', value: null } as const
  return { key, place: rangeOf(pair.key), isHidden: false, isMasked: false, content }
}

// The parser of the option rejects these by their type.
const EMPTY: Content = { kind: 'value', value: Object.freeze([]) }

function readMap(map: YAMLMap, key: string, form: Form, reading: Reading): Content {
  if (form.fields !== undefined) {
    return { kind: 'fields', fields: readFields(map.items, key, form.fields, reading) }
  }
  if (form.entries !== undefined) {
    return { kind: 'fields', fields: readEntries(map, key, form.entries, reading) }
  }
  return { kind: 'value', value: Object.freeze({}) }
}

function readItems(items: readonly unknown[], key: string, form: Form, reading: Reading) {
  const itemForm = form.items
  if (itemForm === undefined) return EMPTY
  const settings = items.map((item, index) =>
    readSetting(item, `${key}[${index}]`, itemForm, reading),
  )
  return { kind: 'items', items: settings.filter((item) => item !== undefined) } as const
}

function readEntries(map: YAMLMap, key: string, form: Form, reading: Reading) {
  const settings = new Map<string, Setting>()
  for (const pair of map.items) {
    const name = readHeaderName(pair, key, reading)
    if (name === undefined) continue
    const setting = readPair(pair, `${key}.${name}`, form, reading)
    if (setting !== undefined) settings.set(name, setting)
  }
  return settings
}

function readHeaderName(pair: Pair, parent: string, { findings }: Reading): string | undefined {
  const name = keyText(pair.key)
  if (!isBare(pair) && isHttpToken(name)) return name
  const message = `"${parent}" must be made of valid header names, each with its value`
  findings.add(rangeOf(pair.key), parent, message, MASKED)
  return undefined
}

/** Returns the option that a key stands for. Adds a problem for a key that stands for none. */
function readOption(
  pair: Pair,
  parent: string,
  fields: Fields,
  { findings }: Reading,
): string | undefined {
  const name = keyText(pair.key)
  if (name === undefined) {
    findings.add(rangeOf(pair.key), parent, `A key of "${parent}" must be a plain name`, MASKED)
    return undefined
  }
  const option = Object.keys(fields).find((candidate) => keyOf(candidate) === name)
  const isFunction = option !== undefined && fields[option]?.form.kind === 'function'
  if (option !== undefined && !isFunction) return option
  const key = `${parent}.${shownName(pair).slice(0, 80)}`
  if (isFunction) refuse(pair, key, inCode(key, option), findings)
  else if (name === '<<')
    refuse(pair, key, `"${key}" is a merge key, which is not read here`, findings)
  else refuseUnknown(pair, key, fields, findings)
  return undefined
}

function refuse(pair: Pair, key: string, message: string, findings: Findings): void {
  findings.add(rangeOf(pair.key), key, message, isBare(pair))
}

function inCode(key: string, option: string): string {
  return `"${key}" is a function: set it in code, as in withAuth(handler, { ...config, ${option} })`
}

function refuseUnknown(pair: Pair, key: string, fields: Fields, findings: Findings): void {
  const options = Object.keys(fields).filter((option) => fields[option]?.form.kind !== 'function')
  const known = options.map(keyOf)
  const problem = { ...unknownProblem([keyText(pair.key) ?? ''], known), isSecret: isBare(pair) }
  const message = describeProblem(problem, () => JSON.stringify(key))
  const shown = isBare(pair) ? { ...problem, optionPath: [] } : problem
  findings.add(rangeOf(pair.key), key, message, isBare(pair), shown)
}

type Base = Omit<Setting, 'content'>

function readScalar(
  scalar: Scalar,
  given: Base,
  form: Form,
  { environment, findings }: Reading,
): Setting | undefined {
  const { value } = scalar
  const mayHold = mayHoldSecret(value)
  const isMasked = given.isMasked || mayHold
  const base = { ...given, isMasked, isHidden: given.isHidden || (mayHold && form.isUrl !== true) }
  if (typeof value !== 'string' || !hasReference(value)) {
    return { ...base, content: { kind: 'value', value: literalOf(scalar, form) } }
  }
  const { text, problems } = expandReferences(value, environment, isMasked)
  for (const problem of problems) {
    findings.add(base.place, base.key, `"${base.key}": ${problem}`, isMasked)
  }
  if (problems.length > 0 || text === '') return undefined
  const content = { kind: 'value', value: coerce(text, form) } as const
  return { ...base, isHidden: true, from: 'environment', content }
}

// A URL may have a password in it, or a key in its query.
function mayHoldSecret(value: unknown): boolean {
  return /[@?]/.test(String(value))
}

// A secret, a header name or a realm may look like a number, and is no other text for that.
function literalOf(scalar: Scalar, { scalar: type }: Form): unknown {
  const isText = type === 'string' && ['number', 'boolean'].includes(typeof scalar.value)
  return isText ? scalarText(scalar) : scalar.value
}

// As Llama Stack reads what the environment gives, but only where the field has that type.
function coerce(text: string, { scalar: type }: Form): unknown {
  const word = text.trim().toLowerCase()
  if (type === 'boolean' && (word === 'true' || word === 'false')) return word === 'true'
  if (type !== 'number') return text
  const digits = word.replace(/(?<=\d)_(?=\d)/g, '')
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(digits) ? Number(digits) : text
}
