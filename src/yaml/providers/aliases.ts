import { isRecord, readName, readPath } from '../../core/endpoint/claim-path.ts'
import { rejectLater } from '../option-problems.ts'
import { keyOf } from '../values.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { Fields, Reading, Values } from '../values.ts'

/** The key of today for each older one, both as paths such as `jwks.cacheTtl`. */
export type Aliases = Readonly<Record<string, string>>

/** The keys of a provider, the older ones included. */
export function withAliases(fields: Fields, aliases: Aliases): Fields {
  let all = fields
  for (const [older, newer] of Object.entries(aliases)) {
    const field = fieldAt(fields, newer.split('.'))
    if (field !== undefined) all = withField(all, older.split('.'), field)
  }
  return all
}

type Field = Fields[string]

function fieldAt(fields: Fields | undefined, [name = '', ...rest]: string[]): Field | undefined {
  const field = fields?.[name]
  return rest.length === 0 ? field : fieldAt(field?.form.fields, rest)
}

function withField(fields: Fields, [name = '', ...rest]: string[], field: Field): Fields {
  if (rest.length === 0) return { ...fields, [name]: field }
  const parent = fields[name]
  if (parent === undefined) return fields
  const inner = withField(parent.form.fields ?? {}, rest, field)
  return { ...fields, [name]: { form: { ...parent.form, fields: inner } } }
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
