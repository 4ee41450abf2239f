import { COLUMNS } from './row.ts'
import { TABLE, USE_TABLE } from './table.ts'
import type { ColumnValue } from './row.ts'
import type { Dialect } from './table.ts'
import type { UseDialect } from './use-table.ts'

/** The part of `node:sqlite` and `bun:sqlite` that is used. They differ in nothing of it. */
export interface Database {
  readonly exec: (sql: string) => unknown
  readonly prepare: (sql: string) => { all(...values: readonly ColumnValue[]): unknown[] }
  readonly close: () => void
}

const place = (index: number): string => `?${index}`
const same = (text: string): string => text

export const DIALECT: Dialect = {
  value: (column, index) => (column === 'sha256' ? `unhex(?${index})` : `?${index}`),
  column: (column) => (column === 'sha256' ? 'lower(hex(sha256))' : column),
  text: place,
  limit: place,
  id: 'id',
}
const OLD_DIALECT: Dialect = {
  ...DIALECT,
  column: (column) => (column === 'name' ? 'null' : DIALECT.column(column)),
}
export const USE_DIALECT: UseDialect = {
  added: `(select ${['id', 'day', 'checks', 'last_used'].map((name) => `json_extract(value, '$.${name}') as ${name}`).join(', ')} from json_each(?1)) as added`,
  ids: 'select value from json_each(?1)',
  day: same,
  count: (text) => `cast(${text} as integer)`,
  time: (text) => `cast(${text} as integer)`,
  columns: 'id, day, checks, last_used',
  latest: 'max',
  text: place,
}

const TYPES = { hash: 'blob', text: 'text', json: 'text', time: 'integer' }
const REQUIRED: ReadonlySet<string> = new Set(['id', 'principal', 'attributes'])

export const CREATE: string = `create table if not exists ${TABLE} (
  ${Object.entries(COLUMNS).map(describeColumn).join(',\n  ')}
) strict, without rowid;
create index if not exists ${TABLE}_principal on ${TABLE} (principal, id);`
const CREATE_USE = `create table if not exists ${USE_TABLE} (
  id text not null,
  day text not null,
  checks integer not null,
  last_used integer not null,
  primary key (id, day)
) strict, without rowid;`
const HAS_NAME = `select 1 from pragma_table_info('${TABLE}') where name = 'name'`

function describeColumn([name, kind]: readonly [string, keyof typeof TYPES]): string {
  const key = kind === 'hash' ? ' primary key check (length(sha256) = 32)' : ''
  const unique = name === 'id' ? ' unique' : ''
  return `${name} ${TYPES[kind]}${key}${REQUIRED.has(name) ? ' not null' : ''}${unique}`
}

function hasName(database: Database): boolean {
  return database.prepare(HAS_NAME).all().length > 0
}

/** How to write and read the table as it is: one of an older version has no names. */
export function dialectOf(database: Database): Dialect {
  return hasName(database) ? DIALECT : OLD_DIALECT
}

/** Adds what the tables of an older version lack. Without it keys still work. */
export function complete(database: Database): void {
  try {
    database.exec(CREATE_USE)
    if (!hasName(database)) database.exec(`alter table ${TABLE} add column name text`)
  } catch {
    // This process may only read, or another one has just added it.
  }
}
