import { conflict } from '../error.ts'
import {
  COLUMN_NAMES,
  readListedRow,
  readRemovedRow,
  readRevokedRow,
  readRow,
  requireStoredKey,
  toColumn,
  toRow,
} from './row.ts'
import type { StoredKey } from '../record.ts'
import type { Column, ColumnValue, Row } from './row.ts'
import type { Awaitable, KeyStore, KeyUpdate } from './store.ts'

export const TABLE = 'withauth_keys'
export const USE_TABLE = 'withauth_key_use'

/** How a database writes the values of a statement, and how it reads its columns. */
export interface Dialect {
  /** The expression for a value in a column. Values count from 1. */
  readonly value: (column: Column, index: number) => string
  /** The expression that reads a column as a text or a number. */
  readonly column: (column: Column) => string
  /** The place of a value, to be compared with a column as it is read. */
  readonly text: (index: number) => string
  readonly limit: (index: number) => string
  /** The id in the order of its bytes. */
  readonly id: string
}

/** Runs one statement, and returns its rows. A statement with a name is run often. */
export type Execute = (
  sql: string,
  values: readonly ColumnValue[],
  name?: string,
) => Awaitable<readonly unknown[]>

/** The operations that each database does with the same statements. */
export type TableKeys = Omit<KeyStore, 'insertAll' | 'create' | 'close'>

const EXPECTED = ['expires', 'revoked', 'successor'] as const
const UPDATED = ['revoked', 'expires', 'successor', 'attributes', 'paths'] as const
const MAX_LIMIT = 1000

/** The columns of a key, for a select list or a `returning`. */
export function columnsOf({ column }: Dialect): string {
  return COLUMN_NAMES.map((name) => `${column(name)} as ${name}`).join(', ')
}

/** Makes an insert. It returns a row only if it added one. */
export function insertOf(
  { value }: Dialect,
  key: StoredKey,
): { readonly sql: string; readonly values: readonly ColumnValue[] } {
  const row = toRow(key, Date.now())
  const names = writtenColumns([row])
  const places = names.map((name, index) => value(name, index + 1))
  return {
    sql: `insert into ${TABLE} (${names.join(', ')}) values (${places.join(', ')}) on conflict do nothing returning id`,
    values: names.map((name) => row[name]),
  }
}

/** The columns that are needed: a table of an older version has no names. */
export function writtenColumns(rows: readonly Partial<Row>[]): readonly Column[] {
  const hasNames = rows.some(({ name = null }) => name !== null)
  return hasNames ? COLUMN_NAMES : COLUMN_NAMES.filter((column) => column !== 'name')
}

/** Makes the operations that need one statement each. */
export function tableKeys(dialect: Dialect, execute: Execute): TableKeys {
  const { value, id } = dialect
  const columns = columnsOf(dialect)
  const select = `select ${columns} from ${TABLE}`
  const one = async (
    sql: string,
    values: readonly ColumnValue[],
    read = readRow,
    name?: string,
  ): Promise<StoredKey | undefined> => {
    const [row] = await execute(sql, values, name)
    return row === undefined ? undefined : read(row)
  }
  return {
    find: async (sha256) =>
      one(
        `${select} where sha256 = ${value('sha256', 1)}`,
        [requireHash(sha256)],
        readRow,
        'withauth_find',
      ),
    get: (wanted) => one(`${select} where id = ${value('id', 1)}`, [wanted]),
    insert: async (key) => {
      const { sql, values } = insertOf(dialect, key)
      const added = await execute(sql, values)
      if (added.length === 0) throw conflict([key.id])
    },
    update: async (wanted, changes, expected) => {
      const { sql, values } = updateOf(dialect, wanted, changes, expected)
      const read = changes.revoked === undefined ? readRow : readRevokedRow
      return one(`${sql} returning ${columns}`, values, read)
    },
    revokeAll: async (principal, revoked) => {
      const set = `revoked = ${value('revoked', 1)} where revoked is null and principal = ${value('principal', 2)}`
      const values = [toColumn('revoked', revoked, Date.now()), principal]
      await execute(`update ${TABLE} set ${set} returning id`, values)
    },
    remove: async (wanted) => {
      const sql = `delete from ${TABLE} where id = ${value('id', 1)} returning ${columns}`
      return one(sql, [wanted], readRemovedRow)
    },
    prune: async (before) => {
      const isOver = `expires <= ${value('expires', 1)} or revoked <= ${value('revoked', 1)}`
      const rows = await execute(`delete from ${TABLE} where ${isOver} returning ${columns}`, [
        Math.floor(before),
      ])
      return rows.map(readRemovedRow)
    },
    list: async ({ after = '', limit, principal }) => {
      const isHers = principal === undefined ? '' : `principal = ${value('principal', 3)} and `
      const page = `${isHers}${id} > ${value('id', 1)} order by ${id} limit ${dialect.limit(2)}`
      const values = [after, Math.min(Math.max(Math.trunc(limit), 1), MAX_LIMIT)]
      const rows = await execute(
        `${select} where ${page}`,
        principal === undefined ? values : [...values, principal],
      )
      return rows.map(readListedRow)
    },
  }
}

function requireHash(sha256: string): string {
  if (/^[\da-f]{64}$/.test(sha256)) return sha256
  throw new TypeError('find() needs the SHA-256 of a key: 64 lower-case hex digits')
}

function updateOf(
  { value, column, text }: Dialect,
  id: string,
  changes: KeyUpdate,
  expected: StoredKey | undefined,
): { readonly sql: string; readonly values: readonly ColumnValue[] } {
  // The other fields only complete the key, so that the new ones can be checked.
  requireStoredKey(
    { id: 'any', principal: 'any', sha256: '0'.repeat(64), ...changes },
    'The change',
  )
  const now = Date.now()
  const values: ColumnValue[] = [id]
  const assignments = UPDATED.filter((name) => changes[name] !== undefined).map((name) => {
    const index = values.push(toColumn(name, changes[name], now))
    // A revocation is never moved.
    const set = name === 'revoked' ? `coalesce(revoked, ${value(name, index)})` : value(name, index)
    return `${name} = ${set}`
  })
  const conditions = (expected === undefined ? [] : EXPECTED).map((name) => {
    const index = values.push(toColumn(name, expected?.[name], now))
    return ` and ${column(name)} is not distinct from ${text(index)}`
  })
  const set = assignments.length === 0 ? 'id = id' : assignments.join(', ')
  return {
    sql: `update ${TABLE} set ${set} where id = ${value('id', 1)}${conditions.join('')}`,
    values,
  }
}
