import { isRecord, readName, readPath } from '../../core/endpoint/claim-path.ts'
import { rejectLater } from '../option-problems.ts'
import { keyOf, partsOf } from '../values.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { Fields, Form } from '../../core/config/form.ts'
import type { Reading } from '../origins.ts'
import type { Values } from '../values.ts'

/** The key of today for each older one, both as paths such as `jwks.cacheTtl`. */
export type Aliases = Readonly<Record<string, string>>

/** The keys of a provider, the older ones included. */
export function withAliases(fields: Fields, aliases: Aliases): Fields {
  let all = fields
  for (const [older, newer] of Object.entries(aliases)) {
    const form = formAt(fields, newer.split('.'))
    if (form !== undefined) all = withForm(all, older.split('.'), form)
  }
  return all
}

function formAt(fields: Fields | undefined, [name = '', ...rest]: string[]): Form | undefined {
  const form = fields?.[name]
  return form === undefined || rest.length === 0 ? form : formAt(partsOf(form).fields, rest)
}

function withForm(fields: Fields, [name = '', ...rest]: string[], form: Form): Fields {
  if (rest.length === 0) return { ...fields, [name]: form }
  const parent = fields[name]
  const inner = parent && partsOf(parent).fields
  if (inner === undefined) return fields
  return { ...fields, [name]: { ...parent, fields: withForm(inner, rest, form) } as Form }
}

/** Moves each value with an older name to the name of today. It keeps its place. Changes the values, which stand at `path`. */
export function settle(values: Values, path: OptionPath, aliases: Aliases, reading: Reading): void {
  const { origins } = reading
  for (const [older, newer] of Object.entries(aliases)) {
    const from = [...path, ...older.split('.')]
    const to = [...path, ...newer.split('.')]
    const given = origins.get(from)
    const value = take(values, older.split('.'))
    if (value === undefined || given === undefined) continue
    const present = readPath(values, newer) === undefined ? undefined : origins.get(to)
    if (present !== undefined) {
      rejectLater(given, present, 'mean the same', reading)
      continue
    }
    addGroup(values, newer.split('.'), path, given.node, reading)
    put(values, newer.split('.'), value)
    origins.move(from, to)
  }
}

function take(values: unknown, [name = '', ...rest]: string[]): unknown {
  const value = readName(values, name)
  if (rest.length > 0) return take(value, rest)
  if (isRecord(values)) delete values[name]
  return value
}

function put(values: unknown, [name = '', ...rest]: string[], value: unknown): void {
  if (!isRecord(values)) return
  if (rest.length > 0) put(values[name], rest, value)
  else values[name] = value
}

/** Adds the mapping around a name if it is not written down, since the older key stands outside of it. */
function addGroup(
  values: Values,
  [name, within]: string[],
  path: OptionPath,
  node: unknown,
  { origins }: Reading,
): void {
  if (name === undefined || within === undefined || values[name] !== undefined) return
  values[name] = {}
  const parent = origins.get(path)?.key
  origins.set([...path, name], { key: `${parent}.${keyOf(name)}`, node, isGroup: true })
}
