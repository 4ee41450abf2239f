import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { within } from '../core/async.ts'
import { reasonOf } from '../files/system.ts'
import { listKeys, postgresKeys, sqliteKeys } from '../keys.ts'
import { prepareAnnouncement } from './announcement.ts'
import { requireText } from './command-line.ts'
import { asUsage, nameFlag, UsageError } from './errors.ts'
import { showFile } from './shown-value.ts'
import { EXIT, flushResult } from './surroundings.ts'
import type pg from 'pg'
import type { KeyFileErrorCode, KeyPlace, KeySource } from '../keys.ts'
import type { Announce } from './announcement.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

export const KEYS_OPTION: OptionSpecs = {
  keys: {
    value: 'FILE',
    help: 'the key file, or a SQLite file such as keys.db, or env:NAME for the PostgreSQL database whose URL is in the variable NAME',
  },
}

/** The keys of a command, in a file or a database. */
export interface OpenedKeys {
  readonly place: KeyPlace
  /** Their name on the command line. */
  readonly name: string
  readonly close: () => Promise<void>
}

/** Keys that a command works with. */
export interface UsedKeys extends OpenedKeys {
  readonly announce: Announce
  /** Calls a function of the library. Its errors name the flag, and say what to do for some codes. */
  readonly use: <Value>(
    call: (place: KeyPlace) => Value | Promise<Value>,
    advices?: Partial<Record<KeyFileErrorCode, string>>,
  ) => Promise<Value>
  /** Prints what has changed as JSON, or a message for people. `state` is for an error if the JSON cannot be written. */
  readonly report: (changed: object, state: string, message: string) => Promise<number>
}

interface OpenOptions {
  readonly flag?: string
  /** Makes a missing database file, or a missing table. */
  readonly create?: boolean
  /** The longest time of a query. */
  readonly queryMs?: number
}

/** The flags of the options that the commands pass to the library. */
export const KEY_FLAGS = {
  'key.name': '--name',
  'key.principal': '--principal',
  'key.tenant': '--tenant',
  'key.attributes': '--attribute',
  'key.paths': '--path',
  'key.expiresIn': '--expires-in',
  'key.expiresAt': '--expires-at',
  'options.expiresIn': '--expires-in',
  'options.expiresAt': '--expires-at',
  'options.overlap': '--overlap',
  'options.older': '--older',
  'page.after': '--after',
  'page.principal': '--principal',
  'wanted.principal': '--principal',
}

// Clients of databases take such texts for addresses: postgresql+psycopg://user:password@host.
const MAY_BE_URL = /^\s|:\/\/|:[^]*@/
const POSTGRES_URL = /^postgres(?:ql)?:\/\//i
const SQLITE_HEAD = 'SQLite format 3\0'
/** The longest time of a query that answers a question. */
export const QUESTION_MS = 1000
const QUERY_MS = 10_000
const CLOSE_MS = 1000

/** Opens the keys of `--keys`, and closes them after the work. An invalid `--config` rejects before a database is made. */
export async function withKeys<Value>(
  line: CommandLine,
  surroundings: Surroundings,
  work: (keys: UsedKeys) => Promise<Value>,
  options: OpenOptions = {},
): Promise<Value> {
  const text = requireText(line, 'keys', 'FILE')
  const announce = await prepareAnnouncement(line)
  const keys = await openKeys(text, surroundings, options)
  const use: UsedKeys['use'] = (call, advices) =>
    asUsage(KEY_FLAGS, () => call(keys.place)).catch(nameFlag('--keys', keys.name, advices))
  try {
    return await work({ ...keys, announce, use, report: reportTo(line, surroundings) })
  } finally {
    await keys.close()
  }
}

function reportTo(line: CommandLine, surroundings: Surroundings): UsedKeys['report'] {
  return async (changed, state, message) => {
    if (!line.has('json')) surroundings.note(`with-auth: ${message}\n`)
    else {
      surroundings.print(`${JSON.stringify(changed)}\n`)
      await flushResult(state, surroundings)
    }
    return EXIT.ok
  }
}

/** Opens the keys at a place that the command line names. */
export async function openKeys(
  text: string,
  { env }: Pick<Surroundings, 'env'>,
  options: OpenOptions = {},
): Promise<OpenedKeys> {
  const { flag = '--keys', create = false } = options
  if (MAY_BE_URL.test(text)) {
    const advice = 'put it into a variable NAME, and give env:NAME'
    throw new UsageError(
      `${flag} must be a path, and not the URL of a database or a text that begins with a blank (it is not shown), because other users of the machine can read it: ${advice}`,
    )
  }
  if (text.startsWith('env:')) return openPostgres(text, env, options)
  if (!isSqlite(text)) return { place: text, name: text, close: async () => undefined }
  try {
    const store = sqliteKeys(text, { create })
    return { place: store, name: text, close: async () => store.close() }
  } catch (error) {
    return nameFlag(flag, text)(error)
  }
}

/** The keys, as `createKeyEndpoint` takes them. */
export function sourceOf(place: KeyPlace): KeySource {
  return typeof place === 'string' ? { file: place } : { store: place }
}

/** Rejects if the keys cannot be read, so that a server fails at startup and not at the first request. */
export async function requireKeys(
  { place, name }: Omit<OpenedKeys, 'close'>,
  flag = '--keys',
): Promise<void> {
  await listKeys(place, { limit: 1 }).catch(nameFlag(flag, name))
}

/** A file that is missing or empty is to become a database if its name ends as that of one. */
function isSqlite(file: string): boolean {
  const head = readHead(file)
  return head === '' ? /\.(?:db|sqlite3?)$/i.test(file) : head === SQLITE_HEAD
}

// Opening the file later reports why it cannot be read.
function readHead(file: string): string {
  try {
    if (!statSync(file).isFile()) return ''
    const handle = openSync(file, 'r')
    const head = Buffer.alloc(SQLITE_HEAD.length)
    const length = readSync(handle, head, 0, head.length, 0)
    closeSync(handle)
    return head.toString('latin1', 0, length)
  } catch {
    return ''
  }
}

async function openPostgres(
  text: string,
  env: Surroundings['env'],
  { flag = '--keys', create = false, queryMs = QUERY_MS }: OpenOptions,
): Promise<OpenedKeys> {
  const connectionString = readUrl(text, env, flag)
  const { Pool } = await loadClient(flag)
  const pool = new Pool({
    connectionString,
    max: 8,
    connectionTimeoutMillis: Math.min(queryMs, QUERY_MS),
    query_timeout: queryMs,
    allowExitOnIdle: true,
  })
  // The next query reports a broken connection. Without a listener it would end the process.
  pool.on('error', () => undefined)
  const store = postgresKeys({
    query: (sql, values, name) => pool.query({ text: sql, values, ...(name && { name }) }),
  })
  const close = async (): Promise<void> => {
    await within(CLOSE_MS, pool.end())
  }
  try {
    if (create) await store.create?.()
    return { place: store, name: text, close }
  } catch (error) {
    await close()
    return nameFlag(flag, text)(error)
  }
}

function readUrl(text: string, env: Surroundings['env'], flag: string): string {
  const name = text.slice('env:'.length)
  if (!/^[A-Za-z_]\w{0,63}$/.test(name)) {
    const form = 'env: and the name of a variable, such as env:KEYS_URL'
    throw new UsageError(`${flag} must be ${form} (its value is not shown)`)
  }
  const url = env[name]
  if (url === undefined || url === '') {
    throw new UsageError(`${flag} ${showFile(text)}: this variable is not set`)
  }
  if (POSTGRES_URL.test(url)) return url
  const form = 'a URL such as postgres://user:password@host/database (its value is not shown)'
  throw new UsageError(`${flag} ${showFile(text)}: this variable must hold ${form}`)
}

async function loadClient(flag: string): Promise<Pick<typeof pg, 'Pool'>> {
  try {
    return (await import('pg')).default
  } catch (error) {
    const isMissing = reasonOf(error).endsWith('MODULE_NOT_FOUND')
    const reason = isMissing ? 'is not installed: npm install pg@8' : 'does not load'
    throw new Error(`${flag} env:NAME needs the package "pg", which ${reason}`, { cause: error })
  }
}
