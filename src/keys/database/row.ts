import { parseJson } from '../../core/endpoint/verdict.ts'
import { KeyFileError } from '../error.ts'
import { isId, parseStoredKey } from '../file/fields.ts'
import { formatTimestamp, parseTimestamp } from '../times.ts'
import type { StoredKey } from '../record.ts'
import type { KeyUpdate } from './store.ts'

/** The columns of the table, and what they hold. */
export const COLUMNS: { readonly [Name in keyof StoredKey]-?: 'hash' | 'text' | 'json' | 'time' } =
  {
    sha256: 'hash',
    id: 'text',
    principal: 'text',
    attributes: 'json',
    paths: 'json',
    prefix: 'text',
    created: 'time',
    expires: 'time',
    revoked: 'time',
    successor: 'text',
  }

export type Column = keyof StoredKey

/** A value that travels to the database: a hash in hex, JSON as a text, and a time in milliseconds since 1970. */
export type ColumnValue = string | number | null

export const COLUMN_NAMES: readonly Column[] = Object.keys(COLUMNS) as Column[]

/** @throws KeyFileError `malformed` for a key that the table must not hold. */
export function toRow(key: StoredKey, now: number): Readonly<Record<Column, ColumnValue>> {
  const checked = requireStoredKey(key, `The key ${shownId(key.id)}`)
  const values = COLUMN_NAMES.map((column) => [column, toColumn(column, checked[column], now)])
  return Object.fromEntries(values) as Readonly<Record<Column, ColumnValue>>
}

/** @throws KeyFileError `malformed` */
export function toColumn(
  column: Column,
  value: StoredKey[Column] | KeyUpdate[keyof KeyUpdate],
  now: number,
): ColumnValue {
  if (value === undefined || value === null) return null
  // A time of revocation that is unknown counts as 1970.
  if (value === true) return 0
  if (typeof value !== 'string') return JSON.stringify(value)
  if (COLUMNS[column] !== 'time') return value
  const time = parseTimestamp(value)
  if (time === undefined) {
    throw new KeyFileError('malformed', `"${column}" must be a time such as 2026-12-31T00:00:00Z`)
  }
  // A key that is to be revoked later is revoked now.
  return column === 'revoked' ? Math.min(time, now) : time
}

/**
 * Reads a row of the table. Anyone who writes to the database may have written it.
 *
 * @throws KeyFileError `malformed`
 */
export function readRow(row: unknown): StoredKey {
  // A row without `revoked` or `paths` must not become a key without limits.
  const missing = COLUMN_NAMES.find((column) => !Object.hasOwn(Object(row), column))
  if (missing !== undefined) {
    throw new KeyFileError('malformed', `The database returned a row without "${missing}"`)
  }
  const values = COLUMN_NAMES.map((column) => [
    column,
    fromColumn(column, Reflect.get(Object(row), column)),
  ])
  const fields: Record<string, unknown> = Object.fromEntries(values)
  return requireStoredKey(fields, `The row of the key ${shownId(fields['id'])}`)
}

function fromColumn(name: Column, value: unknown): unknown {
  if (value === null) return undefined
  const kind = COLUMNS[name]
  // `false` is not allowed in any column, and `undefined` would mean no limit.
  if (kind === 'json') return (typeof value === 'string' ? parseJson(value) : undefined) ?? false
  if (kind !== 'time') return value
  const time = Number(value)
  if (name === 'revoked' && time === 0) return true
  // A time outside of the calendar becomes a text that is no time.
  return Math.abs(time) <= 8.64e15 ? formatTimestamp(time) : 'never'
}

function shownId(id: unknown): string {
  return isId(id) ? id : '(it has no valid id)'
}

/** @throws KeyFileError `malformed` */
export function requireStoredKey(value: unknown, what: string): StoredKey {
  const key = parseStoredKey(value)
  if (typeof key !== 'string') return key
  throw new KeyFileError('malformed', `${what} is invalid: ${key}`)
}
