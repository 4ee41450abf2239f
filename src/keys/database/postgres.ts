import { within } from '../../core/async.ts'
import { invalidOption, readOptions } from '../../core/config/option-checks.ts'
import { reasonOf } from '../../files/system.ts'
import { conflict, KeyFileError } from '../error.ts'
import { COLUMN_NAMES, COLUMNS, toRow } from './row.ts'
import { create, DIALECT, USE_DIALECT, WRITTEN } from './postgres-tables.ts'
import { TABLE, tableKeys, USE_TABLE, writtenColumns } from './table.ts'
import { tableUse } from './use-table.ts'
import type { Column, Row } from './row.ts'
import type { ImportedKeys, KeyStore } from './store.ts'
import type { Rows, Run } from './postgres-tables.ts'

/** The options of {@link postgresKeys}. */
export interface PostgresKeysOptions {
  /**
   * Runs one statement with `$1`, `$2`, … as values, which are texts or `null`. Returns the rows, or an object with `rows`. Give it
   * deadlines of its own: with `pg`, `connectionTimeoutMillis` and `query_timeout`. The statement of the endpoint has a name, by
   * which a client can prepare it once for each connection.
   */
  readonly query: (
    text: string,
    values: (string | null)[],
    name: string | undefined,
  ) => PromiseLike<{ readonly rows: readonly unknown[] } | readonly unknown[]>
}

const QUERY_MS = 10_000
// A million keys take half a minute.
const IMPORT_MS = 600_000

const ADDED = `json_to_recordset($1::text::json) as added(${COLUMN_NAMES.map((name) => `${name} text`).join(', ')})`
const importOf = (columns: readonly Column[]): string => `with written as (
  insert into ${TABLE} (${columns.join(', ')})
  select ${columns.map((name) => WRITTEN[COLUMNS[name]](`added.${name}`)).join(', ')} from ${ADDED}
  on conflict (sha256) do update set
    id = case when ${TABLE}.id = excluded.id then excluded.id end,
    revoked = coalesce(${TABLE}.revoked, excluded.revoked),
    expires = least(${TABLE}.expires, excluded.expires)
  returning xmax = 0 as is_new
) select count(*) filter (where is_new)::text as imported, count(*)::text as total from written`
// The hash of another key, by its id or by its hash. The latter sets an id to null.
const CONFLICT_CODES: ReadonlySet<string> = new Set(['23505', '23502'])
const CONFLICTS = `select added.id from ${ADDED} join ${TABLE} on ${TABLE}.id = added.id
  where ${TABLE}.sha256 <> decode(added.sha256, 'hex')
union select added.id from ${ADDED} join ${TABLE} on ${TABLE}.sha256 = decode(added.sha256, 'hex')
  where ${TABLE}.id <> added.id order by id`

const REASONS: Readonly<Record<string, string>> = {
  '28P01': 'it rejects the password',
  '3D000': 'there is no such database',
  '42501': `its user lacks a right on the table ${TABLE}`,
  '42703': `its table ${TABLE} is of an older version: create() of the store, or "with-auth keys create", adds what it lacks`,
  '42P01': `it has no table ${TABLE}: make it by create() of the store, or by "with-auth keys import"`,
}

/**
 * Keys in a PostgreSQL database, by the client that you have: `pg`, `postgres`, Neon, PGlite or Bun.SQL. An endpoint needs the
 * right to `select`.
 *
 * @throws AuthConfigError for invalid options. The operations reject with a KeyFileError: `database` if a query fails or takes
 * longer than ten seconds, or ten minutes for an import.
 *
 * @example
 * ```ts node
 * import { createKeyEndpoint, postgresKeys } from 'with-auth/keys'
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({
 *   connectionString: process.env['KEYS_URL'],
 *   max: 8,
 *   connectionTimeoutMillis: 1000,
 *   query_timeout: 1000,
 * })
 * // Without a listener, a connection that breaks ends the process.
 * pool.on('error', (error) => console.error(error.message))
 * const store = postgresKeys({
 *   query: (text, values, name) => pool.query({ text, values, ...(name && { name }) }),
 * })
 *
 * export default { fetch: createKeyEndpoint({ store }) }
 * ```
 */
export function postgresKeys(options: PostgresKeysOptions): KeyStore {
  const { query } = readOptions(options, ['query'], ['options'], 'an object such as { query }')
  if (typeof query !== 'function') throw invalidOption(['options', 'query'], query, 'a function')
  const run: Run = async (text, values, name, ms = QUERY_MS) => {
    const texts = values.map((value) => (value === null ? null : String(value)))
    const answered = await within(
      ms,
      answerTo(() => options.query(text, texts, name)),
    )
    if (answered !== undefined) return answered.rows
    const late = `it did not answer within ${ms / 1000} s. A change may or may not be done`
    throw new KeyFileError('database', `Cannot use the database: ${late}`)
  }
  return {
    ...tableKeys(DIALECT, run),
    ...tableUse(USE_DIALECT, run),
    insertAll: async (keys) => {
      const now = Date.now()
      return insertAll(
        run,
        keys.map((key) => toRow(key, now)),
      )
    },
    create: () => create(run),
    close: () => undefined,
  }
}

async function answerTo(
  ask: () => ReturnType<PostgresKeysOptions['query']>,
): Promise<{ readonly rows: Rows }> {
  try {
    const result: unknown = await ask()
    const rows: unknown = Array.isArray(result) ? result : Reflect.get(Object(result), 'rows')
    if (!Array.isArray(rows)) throw new TypeError('"query" returned no rows')
    return { rows: rows.map((row) => Object(row) as Rows[number]) }
  } catch (cause) {
    const message = `Cannot use the database: ${describeFailure(cause)}`
    throw new KeyFileError('database', message, [], { cause })
  }
}

// Messages of clients are not shown, since they may hold the address of the database or a value.
function describeFailure(cause: unknown): string {
  const code = reasonOf(cause)
  const message = cause instanceof Error ? cause.message : ''
  const isLate = /timeout|timed out/i.test(message)
  const isOfUse = message.includes(USE_TABLE)
  return (
    REASONS[code]?.replace(TABLE, isOfUse ? USE_TABLE : TABLE) ??
    (isLate ? 'it did not answer in time' : code)
  )
}

async function insertAll(run: Run, rows: readonly Row[]): Promise<ImportedKeys> {
  const added = JSON.stringify(rows)
  try {
    const [row] = await run(importOf(writtenColumns(rows)), [added], undefined, IMPORT_MS)
    const imported = Number(row?.['imported'])
    return { imported, present: Number(row?.['total']) - imported }
  } catch (error) {
    if (!(error instanceof KeyFileError) || !CONFLICT_CODES.has(reasonOf(error.cause))) throw error
    const ids = (await run(CONFLICTS, [added])).map(({ id }) => String(id))
    throw conflict(ids, error.cause)
  }
}
