import { COLUMNS } from './row.ts'
import { TABLE, USE_TABLE } from './table.ts'
import type { Column, ColumnValue } from './row.ts'
import type { Dialect } from './table.ts'
import type { UseDialect } from './use-table.ts'

export type Rows = readonly Readonly<Record<string, unknown>>[]
export type Run = (
  text: string,
  values: readonly ColumnValue[],
  name?: string,
  ms?: number,
) => Promise<Rows>

export const WRITTEN: Readonly<
  Record<'hash' | 'text' | 'json' | 'time', (text: string) => string>
> = {
  hash: (text: string) => `decode(${text}, 'hex')`,
  text: (text: string) => text,
  json: (text: string) => `${text}::jsonb`,
  time: (text: string) => `to_timestamp(${text}::double precision / 1000)`,
}
const READ = {
  hash: (column: Column) => `encode(${column}, 'hex')`,
  text: (column: Column) => column,
  json: (column: Column) => `${column}::text`,
  // No number can hold an infinite time. As a text it makes the row invalid, but an end that never comes is none.
  time: (column: Column) => {
    const time = column === 'expires' ? "nullif(expires, 'infinity')" : column
    return `case when isfinite(${time}) then round(extract(epoch from ${time}) * 1000)::bigint::text else ${time}::text end`
  },
}

export const DIALECT: Dialect = {
  value: (column, index) => WRITTEN[COLUMNS[column]](`$${index}::text`),
  // A table of an older version has no names, and may not be changed.
  column: (column) =>
    column === 'name' ? `to_jsonb(${TABLE}) ->> 'name'` : READ[COLUMNS[column]](column),
  text: (index) => `$${index}::text`,
  limit: (index) => `$${index}::text::bigint`,
  id: 'id collate "C"',
}

export const USE_DIALECT: UseDialect = {
  added:
    'json_to_recordset($1::text::json) as added(id text, day text, checks text, last_used text)',
  ids: 'select json_array_elements_text($1::text::json)',
  day: (text) => `${text}::date`,
  count: (text) => `${text}::bigint`,
  time: WRITTEN.time,
  columns:
    'id, day::text as day, checks::text as checks, (extract(epoch from last_used) * 1000)::bigint::text as last_used',
  latest: 'greatest',
  text: (index) => `$${index}::text`,
}

// `if not exists` fails if another process makes the table at the same time, so only one makes it.
const CREATE = `do $$ begin
perform pg_advisory_xact_lock(hashtext('${TABLE}'));
create table if not exists ${TABLE} (
  sha256 bytea primary key check (octet_length(sha256) = 32),
  id text collate "C" not null unique,
  principal text not null,
  tenant text,
  attributes jsonb not null,
  paths jsonb,
  prefix text,
  created timestamptz,
  expires timestamptz,
  revoked timestamptz,
  successor text,
  name text
);
create index if not exists ${TABLE}_principal on ${TABLE} (principal, id);
alter table ${TABLE} add column if not exists name text;
create table if not exists ${USE_TABLE} (
  id text collate "C" not null,
  day date not null,
  checks bigint not null,
  last_used timestamptz not null,
  primary key (id, day)
);
end $$`
// `if not exists` needs the right to make tables even if the table exists.
const FOUND = `select to_regclass('${TABLE}')::text as keys, to_regclass('${USE_TABLE}')::text as use,
  (select 1::text from pg_attribute where attrelid = to_regclass('${TABLE}') and attname = 'name' and not attisdropped) as name`

const isThere = (found: unknown): boolean => typeof found === 'string'

/** Makes the tables, or adds what older ones lack. */
export async function create(run: Run): Promise<void> {
  const [{ keys, use, name } = {}] = await run(FOUND, [])
  if ([keys, use, name].every(isThere)) return
  try {
    await run(CREATE, [])
  } catch (error) {
    // The keys work without what an older table lacks.
    if (!isThere(keys)) throw error
  }
}
