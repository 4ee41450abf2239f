import { hideUrlSecrets } from '../../core/redaction.ts'
import { parseOptions } from '../../core/config/interpreter.ts'
import { system } from '../../files/system.ts'
import { conflict, KeyFileError } from '../error.ts'
import { rejectLoneMount } from '../file/read.ts'
import { requireFile } from '../options.ts'
import { toRow } from './row.ts'
import { writeUses } from '../usage/recorder.ts'
import { createFile, identify, watchNames } from './sqlite-file.ts'
import { complete, CREATE, DIALECT, dialectOf, USE_DIALECT } from './sqlite-tables.ts'
import { insertOf, TABLE, tableKeys } from './table.ts'
import { tableUse } from './use-table.ts'
import type { Table } from '../../core/config/form.ts'
import type { StoredKey } from '../record.ts'
import type { ColumnValue } from './row.ts'
import type { ImportedKeys, KeyStore } from './store.ts'
import type { Database } from './sqlite-tables.ts'

/** The options of {@link sqliteKeys}. */
export interface SqliteKeysOptions {
  /**
   * Makes a missing file, which only its owner can read, and a missing table.
   *
   * @default false
   */
  readonly create?: boolean
}

const TABLE_OF_OPTIONS: Table<Required<SqliteKeysOptions>> = {
  create: { kind: 'boolean', default: false },
}

// With a write-ahead log a change keeps no reader waiting.
const WRITE_AHEAD = 'pragma journal_mode = wal;'
// A wait blocks the thread, and with it the whole process. Counts of checks can be written later.
const READ_WAIT_MS = 500
const CHANGE_WAIT_MS = 10_000
const USE_WAIT_MS = 100
const NEEDS = 'SQLite needs Node 22.13 or later, Deno 2.2 or Bun'

// `min` of a null is null.
const END = `update ${TABLE} set revoked = coalesce(revoked, ?1), expires = coalesce(min(expires, ?2), expires, ?2)
  where id = ?3 and sha256 = unhex(?4) returning id`

type Run = (sql: string, values: readonly ColumnValue[]) => readonly unknown[]

/**
 * Keys in a SQLite file, by the SQLite of Node 22.13, Deno 2.2 or Bun, or later. For the processes of one machine: the file must
 * not be on a network file system. Each operation blocks the thread until it is done: a look-up takes some microseconds. A change
 * waits for others for at most ten seconds, and a look-up in a locked file for half a second.
 *
 * Do not open the file by `fs` in a process that uses it: when such a handle is closed, the system drops the locks of SQLite.
 *
 * @throws KeyFileError `not_found` for a missing file without `create`; `unreadable` on a runtime without SQLite, and for a file
 * that is mounted alone; `database` for a file that SQLite cannot use.
 *
 * @example
 * ```ts node
 * import { createKey, createKeyEndpoint, sqliteKeys } from 'with-auth/keys'
 *
 * const store = sqliteKeys('keys.db', { create: true })
 * const { key } = await createKey(store, { principal: 'alice' })
 * console.log(`give this to alice, it is not shown again: ${key}`)
 *
 * export default { fetch: createKeyEndpoint({ store }) }
 * ```
 */
export function sqliteKeys(file: string, options: SqliteKeysOptions = {}): KeyStore {
  requireFile(file)
  const { create: isNew } = parseOptions(TABLE_OF_OPTIONS, options, ['options'])
  const Driver = loadDriver()
  // SQLite takes `:memory:` and `file:` for something else than a file. A relative path would follow `chdir`.
  const path = system().getBuiltinModule('node:path').resolve(file)
  if (isNew) createFile(path)
  const opened = identify(path)
  rejectLoneMount(path)
  const database = attempt(path, () => open(Driver, path, isNew))
  const requireSame = watchNames(path, opened)
  const statements = new Map<string, ReturnType<Database['prepare']>>()
  let waitMs = 0
  const executeWithin =
    (changeMs: number): Run =>
    (sql, values) => {
      requireSame()
      return attempt(path, () => {
        const wanted = sql.startsWith('select') ? READ_WAIT_MS : changeMs
        if (waitMs !== wanted) database.exec(`pragma busy_timeout = ${wanted}`)
        waitMs = wanted
        const statement = statements.get(sql) ?? database.prepare(sql)
        statements.set(sql, statement)
        return statement.all(...values)
      })
    }
  const execute = executeWithin(CHANGE_WAIT_MS)
  const dialect = attempt(path, () => dialectOf(database))
  return {
    ...tableKeys(dialect, execute),
    ...tableUse(USE_DIALECT, executeWithin(USE_WAIT_MS)),
    insertAll: (keys) => insertAll(execute, () => database.exec('rollback'), keys),
    close: () => {
      // The checks since the last write, while the file is open: SQLite writes at once.
      void writeUses()
      attempt(path, () => database.close())
    },
  }
}

function loadDriver(): new (file: string) => Database {
  const [name, member] =
    'bun' in system().versions ? ['bun:sqlite', 'Database'] : ['node:sqlite', 'DatabaseSync']
  const driver: unknown = Reflect.get(Object(system().getBuiltinModule(name)), member)
  // Both modules document the three methods of `Database`.
  if (typeof driver === 'function') return driver as new (file: string) => Database
  const advice = 'use a file of keys or PostgreSQL there'
  throw new KeyFileError(
    'unreadable',
    `${NEEDS}, and this is Node ${system().versions.node}: ${advice}`,
  )
}

function open(Driver: new (file: string) => Database, file: string, isNew: boolean): Database {
  const database = new Driver(file)
  try {
    database.exec(`pragma busy_timeout = ${CHANGE_WAIT_MS}; pragma synchronous = full;`)
    if (isNew) database.exec(`${WRITE_AHEAD} ${CREATE}`)
    if (isNew) complete(database)
    // Throws if there is no such table.
    database.prepare(`select id from ${TABLE} limit 1`).all()
    if (!isNew) writeAhead(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

// A copy by VACUUM INTO has no write-ahead log, so that changes and look-ups would wait for one another.
function writeAhead(database: Database): void {
  try {
    database.exec(`pragma busy_timeout = ${READ_WAIT_MS}; ${WRITE_AHEAD}`)
  } catch {
    // A process that may only read uses the file as it is.
  }
}

/** Calls SQLite. Its messages name tables and columns, but hold no value. */
function attempt<Value>(file: string, work: () => Value): Value {
  try {
    return work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'SQLite failed'
    const isOld = /^(?:no such table|table \w+ has no column)/.test(reason)
    const advice = isOld ? ': sqliteKeys(file, { create: true }) makes it' : ''
    const message = `Cannot use ${hideUrlSecrets(file)}: ${reason}${advice}`
    throw new KeyFileError('database', message, [], { cause })
  }
}

function insertAll(
  execute: Run,
  rollback: () => unknown,
  keys: readonly StoredKey[],
): ImportedKeys {
  execute('begin immediate', [])
  try {
    const counts = keys.map((key) => insertOrEnd(execute, key))
    execute('commit', [])
    const imported = counts.filter((isNew) => isNew).length
    return { imported, present: keys.length - imported }
  } catch (error) {
    try {
      rollback()
    } catch {
      // SQLite has done it already. The first error says why.
    }
    throw error
  }
}

/** Returns whether the key is new. */
function insertOrEnd(execute: Run, key: StoredKey): boolean {
  const row = toRow(key, Date.now())
  const { sql, values } = insertOf(DIALECT, key)
  if (execute(sql, values).length > 0) return true
  const present = execute(END, [row.revoked, row.expires, row.id, row.sha256])
  if (present.length > 0) return false
  throw conflict([key.id])
}
