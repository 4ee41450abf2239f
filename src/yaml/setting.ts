import { isMap, isScalar } from 'yaml'
import { isHttpToken, unknownProblem } from '../core/config/option-checks.ts'
import { describeProblem } from '../core/config/problems.ts'
import { MASKED } from './problems.ts'
import { readScalar } from './scalar.ts'
import { isBare, keyText, rangeOf, shownName } from './tree.ts'
import type { Pair, YAMLMap } from 'yaml'
import type { Form } from '../core/config/kinds.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Findings } from './problems.ts'
import type { Environment } from './references.ts'
import type { Value } from './scalar.ts'
import type { Tree } from './tree.ts'

export type Fields = NonNullable<Form['fields']>

/** Returns the key of an option: `timeout_ms` for `timeoutMs`. */
export function keyOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Settings by the name of their option, or by their index in a list. */
export type Settings = Map<string, Setting>

/** A value of the file, and the settings within it if it is a mapping or a list. */
export interface Setting extends Value {
  readonly children?: Settings
}

export interface Reading {
  readonly tree: Tree
  readonly findings: Findings
  readonly environment: Environment
  /** A value that comes out empty is a problem, and is not left out. */
  readonly needsValues?: boolean
}

function readSetting(node: unknown, key: string, given: Form, outer: Reading) {
  const reading = given.needsValues === true ? { ...outer, needsValues: true } : outer
  const value = reading.tree.resolve(node)
  if (value === undefined) return undefined
  // Has no prototype: a property of Object.prototype must not become a part of the form.
  const form: Form = Object.assign(Object.create(null), given)
  const isSecret = form.isSecret === true
  const base = { key, place: rangeOf(node), isHidden: isSecret, isMasked: isSecret }
  if (isScalar(value)) return readScalar(value, base, form, reading)
  const children = isMap(value)
    ? readMap(value, key, form, reading)
    : readItems(value.items, key, form, reading)
  const values = isMap(value) ? valuesOf(children) : Object.values(valuesOf(children))
  // An excerpt of a mapping would show everything in it.
  return { ...base, isMasked: true, value: values, children }
}

export function valuesOf(settings: Settings): Record<string, unknown> {
  // `fromEntries` makes own properties, also of `__proto__`.
  return Object.fromEntries([...settings].map(([name, { value }]) => [name, value]))
}

/** Reads the pairs of a mapping whose keys are options. */
export function readFields(
  pairs: readonly Pair[],
  parent: string,
  fields: Fields,
  reading: Reading,
): Settings {
  const settings: Settings = new Map()
  for (const pair of pairs) {
    if (reading.findings.hasMore()) break
    const name = keyText(pair.key)
    const found = Object.entries(fields).find(([known]) => keyOf(known) === name)
    if (found === undefined || found[1].form.kind === 'function') {
      rejectKey(pair, parent, found?.[0], fields, reading.findings)
      continue
    }
    const [option, field] = found
    const setting = readPair(pair, `${parent}.${keyOf(option)}`, field.form, reading)
    if (setting !== undefined) settings.set(option, setting)
  }
  return settings
}

export function readPair(
  pair: Pair,
  key: string,
  form: Form,
  reading: Reading,
): Setting | undefined {
  if (!isBare(pair)) return readSetting(pair.value, key, form, reading)
  // `{ endpoint }`: a key without a value.
  return { key, place: rangeOf(pair.key), isHidden: false, isMasked: false, value: null }
}

// A mapping or list that the option does not accept becomes an empty one, which its kind rejects.
function readMap(map: YAMLMap, key: string, form: Form, reading: Reading): Settings {
  if (form.fields !== undefined) return readFields(map.items, key, form.fields, reading)
  const settings: Settings = new Map()
  if (form.entries === undefined) return settings
  for (const pair of map.items) {
    const name = readEntryName(pair, key, form, reading)
    if (name === undefined) continue
    const setting = readPair(pair, `${key}.${name}`, form.entries, reading)
    if (setting !== undefined) settings.set(name, setting)
  }
  return settings
}

function readItems(
  items: readonly unknown[],
  key: string,
  { items: form, kind }: Form,
  reading: Reading,
) {
  const settings: Settings = new Map()
  if (form === undefined) return settings
  for (const [index, item] of items.entries()) {
    const setting = readSetting(item, `${key}[${index}]`, form, reading)
    // Settings are looked up by the index in the resulting list.
    if (setting !== undefined) settings.set(String(settings.size), setting)
    // The number of an API key is a name, so that one which came out empty keeps its place.
    else if (kind === 'apiKeys') settings.set(String(settings.size), NOTHING)
  }
  return settings
}

const NOTHING: Setting = {
  key: '',
  place: { start: 0, end: 0 },
  isHidden: true,
  isMasked: true,
  value: undefined,
}

function readEntryName(
  pair: Pair,
  parent: string,
  { kind }: Form,
  { findings }: Reading,
): string | undefined {
  const name = keyText(pair.key)
  const isClaims = kind === 'attributes'
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
  const inFile = Object.keys(fields).filter((one) => fields[one]?.form.kind !== 'function')
  const problem = { ...unknownProblem([name], inFile.map(keyOf)), isSecret: isBare(pair) }
  const shown = isBare(pair) ? { ...problem, optionPath: [] } : problem
  return add(
    describeProblem(problem, () => JSON.stringify(key)),
    shown,
  )
}
