import { emptyRecord } from '../core/runtime.ts'

/** Header fields by their names in lower case. */
export type FieldRecord = Readonly<Record<string, string | string[] | undefined>>
/** A name or a value, in bytes. A value may be a list of them. */
export type RawText = { toString(encoding: 'latin1'): string } | readonly RawText[]

export function isRaw(headers: readonly RawText[] | FieldRecord): headers is readonly RawText[] {
  return Array.isArray(headers)
}

/** The fields of a list of names and values in turn, by their names in lower case. `fetch` reads them as Latin-1 too. */
export function readFields(raw: readonly RawText[]): FieldRecord {
  const fields = emptyRecord<string>()
  let name: string | undefined
  for (const text of raw.map(textOf)) {
    if (name === undefined) {
      name = text.toLowerCase()
      continue
    }
    const earlier = fields[name]
    fields[name] = earlier === undefined ? text : `${earlier}, ${text}`
    name = undefined
  }
  return fields
}

function textOf(raw: RawText): string {
  return isList(raw) ? raw.map(textOf).join(', ') : raw.toString('latin1')
}

function isList(raw: RawText): raw is readonly RawText[] {
  return Array.isArray(raw)
}

export function readField(headers: FieldRecord, name: string): string | null {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  if (value === undefined) return null
  return typeof value === 'string' ? value : value.join(', ')
}
