import { isMap, isScalar } from 'yaml'
import { isHttpToken, unknownOption } from '../core/config/option-checks.ts'
import { expandReferences, hasReference } from './environment-references.ts'
import { MASKED } from './findings.ts'
import { FUNCTIONS } from './shape.ts'
import { isBare, keyText, rangeOf, scalarText, shownName } from './tree.ts'
import type { Pair, Scalar, YAMLMap } from 'yaml'
import type { Environment } from './environment-references.ts'
import type { Range } from './excerpt.ts'
import type { Findings } from './findings.ts'
import type { Fields, Shape } from './shape.ts'
import type { Tree } from './tree.ts'

/** A value of the file, with the place that it came from. */
export interface Setting {
  /** Such as `server.auth.cache.allow_ttl_ms`. */
  readonly key: string
  readonly place: Range
  /** Whether the value must not be shown: it is secret, or the environment gave it. */
  readonly isHidden: boolean
  /** Whether what the file says must not be shown: it is, or may hold, a secret. */
  readonly isMasked: boolean
  readonly content: Content
}

export type Content =
  | { readonly kind: 'value'; readonly value: unknown }
  /** By the name of the option. */
  | { readonly kind: 'fields'; readonly fields: Map<string, Setting> }
  | { readonly kind: 'items'; readonly items: Setting[] }

/** What reading values needs. */
export interface Reading {
  readonly tree: Tree
  readonly findings: Findings
  readonly environment: Environment
}

/** Reads a value in its shape. Gives `undefined` for one that is left out, or that was refused. */
export function readSetting(
  node: unknown,
  key: string,
  shape: Shape,
  reading: Reading,
): Setting | undefined {
  const value = reading.tree.resolve(node)
  if (value === undefined) return undefined
  const isSecret = shape.secret === true
  const base = { key, place: rangeOf(node), isHidden: isSecret, isMasked: isSecret }
  if (isScalar(value)) return readScalar(value, base, shape, reading)
  const content = isMap(value)
    ? readMap(value, key, shape, reading)
    : readItems(value.items, key, shape, reading)
  // All that is in it would be shown.
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
    const name = readName(pair, key, fields, reading)
    const field = name === undefined ? undefined : fields[name]
    if (field === undefined) continue
    const setting = readPair(pair, `${key}.${name}`, field.shape, reading)
    if (setting !== undefined) settings.set(field.option, setting)
  }
  return settings
}

function readPair(pair: Pair, key: string, shape: Shape, reading: Reading): Setting | undefined {
  if (!isBare(pair)) return readSetting(pair.value, key, shape, reading)
  // `{ endpoint }`: a key without a value.
  const content = { kind: 'value', value: null } as const
  return { key, place: rangeOf(pair.key), isHidden: false, isMasked: false, content }
}

// The check of the option, which is made for a config in code as well, refuses these by their type.
const EMPTY: Content = { kind: 'value', value: Object.freeze([]) }

function readMap(map: YAMLMap, key: string, shape: Shape, reading: Reading): Content {
  if (shape.fields !== undefined) {
    return { kind: 'fields', fields: readFields(map.items, key, shape.fields, reading) }
  }
  if (shape.entries !== undefined) {
    return { kind: 'fields', fields: readEntries(map, key, shape.entries, reading) }
  }
  return { kind: 'value', value: Object.freeze({}) }
}

function readItems(items: readonly unknown[], key: string, shape: Shape, reading: Reading) {
  const itemShape = shape.items
  if (itemShape === undefined) return EMPTY
  const settings = items.map((item, index) =>
    readSetting(item, `${key}[${index}]`, itemShape, reading),
  )
  return { kind: 'items', items: settings.filter((item) => item !== undefined) } as const
}

function readEntries(map: YAMLMap, key: string, shape: Shape, reading: Reading) {
  const settings = new Map<string, Setting>()
  for (const pair of map.items) {
    const name = readHeaderName(pair, key, reading)
    if (name === undefined) continue
    const setting = readPair(pair, `${key}.${name}`, shape, reading)
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

function readName(
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
  if (Object.hasOwn(fields, name)) return name
  const option = `${parent}.${shownName(pair).slice(0, 80)}`
  const message = refusalOf(option, name, Object.keys(fields))
  findings.add(rangeOf(pair.key), option, message, isBare(pair))
  return undefined
}

function refusalOf(option: string, name: string, known: readonly string[]): string {
  if (name === '<<') return `"${option}" is no key: merge keys are not read here`
  const inCode = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (inCode === undefined) return unknownOption(option, name, known).message
  return `"${option}" is a function, which cannot stand in YAML: withAuth(handler, { ...config, ${inCode} })`
}

type Base = Omit<Setting, 'content'>

function readScalar(
  scalar: Scalar,
  given: Base,
  shape: Shape,
  { environment, findings }: Reading,
): Setting | undefined {
  const { value } = scalar
  const mayHold = mayHoldSecret(value)
  const isMasked = given.isMasked || mayHold
  const base = { ...given, isMasked, isHidden: given.isHidden || (mayHold && shape.url !== true) }
  if (typeof value !== 'string' || !hasReference(value)) {
    return { ...base, content: { kind: 'value', value: literalOf(scalar, shape) } }
  }
  const { text, problems } = expandReferences(value, environment, isMasked)
  for (const problem of problems) {
    findings.add(base.place, base.key, `"${base.key}": ${problem}`, isMasked)
  }
  if (problems.length > 0 || text === '') return undefined
  return { ...base, isHidden: true, content: { kind: 'value', value: coerce(text, shape) } }
}

// A URL may have a password in it, or a key in its query.
function mayHoldSecret(value: unknown): boolean {
  return /[@?]/.test(String(value))
}

// A secret, a header name or a realm may look like a number, and is no other text for that.
function literalOf(scalar: Scalar, { scalar: type }: Shape): unknown {
  const isText = type === 'string' && ['number', 'boolean'].includes(typeof scalar.value)
  return isText ? scalarText(scalar) : scalar.value
}

// As Llama Stack reads what the environment gives, but only where the field has that type.
function coerce(text: string, { scalar: type }: Shape): unknown {
  const word = text.trim().toLowerCase()
  if (type === 'boolean' && (word === 'true' || word === 'false')) return word === 'true'
  if (type !== 'number') return text
  const digits = word.replace(/(?<=\d)_(?=\d)/g, '')
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(digits) ? Number(digits) : text
}
