import { parseJson } from '../../core/endpoint/verdict.ts'
import { KeyFileError } from '../error.ts'
import { completeKey, formOf, isId, parseField, parseStoredKey } from '../file/fields.ts'
import { formatTimestamp, parseTimestamp, YEAR_10000 } from '../times.ts'
import type { StoredKey } from '../record.ts'
import type { KeyUpdate } from './store.ts'

/** The columns of the table, and what they hold. */
export const COLUMNS: { readonly [Name in keyof StoredKey]-?: 'hash' | 'text' | 'json' | 'time' } =
  {
    sha256: 'hash',
    id: 'text',
    principal: 'text',
    tenant: 'text',
    attributes: 'json',
    paths: 'json',
    prefix: 'text',
    created: 'time',
    expires: 'time',
    revoked: 'time',
    successor: 'text',
    name: 'text',
  }

export type Column = keyof StoredKey

/** A value that travels to the database: a hash in hex, JSON as a text, and a time in milliseconds since 1970. */
export type ColumnValue = string | number | null

export type Row = Readonly<Record<Column, ColumnValue>>

export const COLUMN_NAMES: readonly Column[] = Object.keys(COLUMNS) as Column[]

const INVALID = '(invalid)'
const YEAR_0 = Date.parse('0000-01-01T00:00:00Z')

/** @throws KeyFileError `malformed` for a key that the table must not hold. */
export function toRow(key: StoredKey, now: number): Row {
  const checked = requireStoredKey(key, `The key ${shownId(key.id)}`)
  const values = COLUMN_NAMES.map((column) => [column, toColumn(column, checked[column], now)])
  return Object.fromEntries(values) as Row
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
  const source = Object(row) as Readonly<Record<Column, unknown>>
  const found: Partial<Record<Column, unknown>> = {}
  for (const column of COLUMN_NAMES) {
    const value = source[column]
    // A name decides nothing.
    if (value === null || (column === 'name' && value === undefined)) continue
    // If a row lacks `revoked` or `paths`, its key would have no limits.
    const parsed = value === undefined ? undefined : fromColumn(column, value)
    if (parsed === undefined) throw invalidRow(source.id, `"${column}" must be ${formOf(column)}`)
    found[column] = parsed
  }
  const key = completeKey(found)
  if (typeof key === 'string') throw invalidRow(source.id, key)
  return key
}

/** Reads a row that is gone, so that an error would come too late. Leaves out what is invalid. It must never allow anything. */
export function readRemovedRow(row: unknown): StoredKey {
  const found: Partial<Record<Column, unknown>> = {}
  for (const column of COLUMN_NAMES) {
    const value: unknown = Reflect.get(Object(row), column)
    const parsed = value === null ? undefined : fromColumn(column, value)
    if (parsed !== undefined) found[column] = parsed
  }
  const key = completeKey({ id: INVALID, principal: INVALID, sha256: '', ...found })
  if (typeof key === 'string') throw invalidRow(found.id, key)
  return key
}

/** Reads the row of a key that was just revoked, which need not be valid otherwise. */
export function readRevokedRow(row: unknown): StoredKey {
  const key = readRemovedRow(row)
  return key.revoked === undefined ? { ...key, revoked: true } : key
}

/** Reads a row of a list. An invalid one is an error, unless it is revoked: then it must not hide the others. */
export function readListedRow(row: unknown): StoredKey {
  const isRevoked = (Reflect.get(Object(row), 'revoked') ?? undefined) !== undefined
  const key = isRevoked ? readRevokedRow(row) : readRow(row)
  return key.id === INVALID || key.sha256 === '' ? readRow(row) : key
}

function invalidRow(id: unknown, problem: string): KeyFileError {
  return new KeyFileError('malformed', `The row of the key ${shownId(id)} is invalid: ${problem}`)
}

/** Returns `undefined` for a value that is not allowed. */
function fromColumn(name: Column, value: unknown): unknown {
  const kind = COLUMNS[name]
  if (kind === 'json') return parseField(name, typeof value === 'string' ? parseJson(value) : value)
  if (kind !== 'time') return parseField(name, value)
  const time = Number(value)
  if (name === 'revoked' && time === 0) return true
  // The form of a time has years of four digits.
  return time >= YEAR_0 && time < YEAR_10000 ? formatTimestamp(time) : undefined
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
