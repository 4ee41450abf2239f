import { keyOf, valuesOf } from '../setting.ts'
import { rejectLater } from '../settings-check.ts'
import type { Findings } from '../problems.ts'
import type { Fields, Setting, Settings } from '../setting.ts'

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

/**
 * Moves each setting with an older name to the key of today, and drops keys whose value is `null`: in OGX `null` leaves a key
 * out. A setting keeps the key as it is written. Changes the settings.
 */
export function settle(
  settings: Settings,
  fields: Fields,
  aliases: Aliases,
  findings: Findings,
): void {
  dropEmpty(settings, fields)
  for (const [older, newer] of Object.entries(aliases)) {
    const given = take(settings, older.split('.'))
    if (given !== undefined) put(settings, newer.split('.'), given, findings)
  }
  renew(settings, fields)
}

function dropEmpty(settings: Settings, fields: Fields): void {
  for (const [name, { value, children }] of settings) {
    const inner = fields[name]?.form.fields
    if (value === null) settings.delete(name)
    else if (inner !== undefined && children !== undefined) dropEmpty(children, inner)
  }
}

function take(settings: Settings | undefined, [name = '', ...rest]: string[]): Setting | undefined {
  const setting = settings?.get(name)
  if (rest.length > 0) return take(setting?.children, rest)
  settings?.delete(name)
  return setting
}

function put(
  settings: Settings,
  [name = '', ...rest]: string[],
  given: Setting,
  findings: Findings,
): void {
  const present = settings.get(name)
  if (rest.length === 0) {
    if (present !== undefined) return rejectLater(given, present, 'mean the same', findings)
    settings.set(name, given)
    return
  }
  const parent = present ?? emptyGroup(name, given)
  settings.set(name, parent)
  if (parent.children !== undefined) put(parent.children, rest, given, findings)
}

/** A mapping that is not written down, for an older key that stood outside of it. */
function emptyGroup(name: string, { key, place }: Setting): Setting {
  const path = key.slice(0, key.lastIndexOf('.') + 1)
  return {
    key: `${path}${keyOf(name)}`,
    place,
    isHidden: false,
    isMasked: true,
    value: {},
    children: new Map(),
  }
}

/** Gives each mapping the values of what is in it now. */
function renew(settings: Settings, fields: Fields): void {
  for (const [name, setting] of settings) {
    const { children } = setting
    const inner = fields[name]?.form.fields
    if (inner === undefined || children === undefined) continue
    renew(children, inner)
    settings.set(name, { ...setting, value: valuesOf(children) })
  }
}
