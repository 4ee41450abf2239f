import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'
import { KEY_STORE_TESTS } from './key-store-contract.js'

const bun = 'bun' in process.versions
const { [bun ? 'Database' : 'DatabaseSync']: Database } =
  process.getBuiltinModule(bun ? 'bun:sqlite' : 'node:sqlite') ?? {}

/**
 * The contract of a store of keys, and what holds for SQLite alone. Each test gets the path of a new file, the functions of
 * with-auth/keys, and the statement of the documentation that makes the table.
 */
export const SQLITE_TESTS = [
  ...KEY_STORE_TESTS.map(([title, test]) => [title, (file, api) => onNewStore(test, file, api)]),
  ['gives a copy its write-ahead log back', writesAhead],
  ['makes files that only their owner can read', makesPrivateFiles],
  ['makes a file or a table only with { create: true }', makesNothingUnasked],
  ['sees what another connection has written', seesOtherConnections],
  ['works on no other file that takes its name', noticesReplacements],
  ['keeps its locks when the file is opened once more', keepsLocks],
  ['answers 500 when another program removed the log', noticesRemovedLogs],
  ['takes every path for the name of a file', resolvesPaths],
  ['reads a locked file no longer than half a second', waitsBriefly],
  ['waits ten seconds with a change, and a tenth of one with counts of checks', setsWaits],
  ['reports why an import failed, and stays usable', reportsFirstErrors],
  ['answers 500 to the key of an invalid row', rejectsInvalidRows],
  ['revokes, removes and prunes in spite of invalid rows', endsInvalidRows],
  ['makes the table that the documentation shows', makesDocumentedTable],
  ['names its file, and no value, in errors', namesFiles],
  ['works with the table of an older version, and completes it', completesOldTables],
  ['writes the last checks when it is closed', writesLastChecks],
]

async function makesPrivateFiles(file, { createKey, sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  await createKey(store, { principal: 'alice' })
  const names = [file, `${file}-wal`, `${file}-shm`]
  assert.deepEqual(
    names.map((name) => statSync(name).mode & 0o777),
    [0o600, 0o600, 0o600],
  )
  store.close()
  await assert.rejects(async () => store.get('a'), { name: 'KeyFileError' })
  const inside = join(file, 'x')
  const message = `Cannot write ${inside}: ENOTDIR`
  assert.throws(
    () => sqliteKeys(inside, { create: true }),
    (error) => {
      const { code, problems, cause } = error
      assert.equal(error.message, message)
      assert.deepEqual([code, problems, cause.code], ['unwritable', [], 'ENOTDIR'])
      return true
    },
  )
}

function makesNothingUnasked(file, { sqliteKeys }) {
  assert.throws(() => sqliteKeys(file), { code: 'not_found' })
  assert.equal(existsSync(file), false)
  writeFileSync(file, '')
  assert.throws(() => sqliteKeys(file), {
    code: 'database',
    message: /no such table.*create: true/,
  })
  sqliteKeys(file, { create: true }).close()
  sqliteKeys(file).close()
}

async function seesOtherConnections(file, { createKey, createKeyEndpoint, revokeKey, sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const endpoint = createKeyEndpoint({ store })
  const other = sqliteKeys(file)
  const { id, key } = await createKey(other, { principal: 'alice' })
  assert.equal(await ask(endpoint, key), 200)
  await revokeKey(other, id)
  assert.equal(await ask(endpoint, key), 401)
  store.close()
  other.close()
}

async function noticesReplacements(file, { createKey, createKeyEndpoint, sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const { key } = await createKey(store, { principal: 'alice' })
  const messages = []
  const onError = ({ message }) => messages.push(message)
  const endpoint = createKeyEndpoint({ store }, { onError })
  renameSync(file, `${file}.old`)
  assert.equal(await ask(endpoint, key), 500)
  sqliteKeys(`${file}.new`, { create: true }).close()
  renameSync(`${file}.new`, file)
  assert.equal(await ask(endpoint, key), 500)
  await assert.rejects(createKey(store, { principal: 'bob' }), { code: 'unreadable' })
  assert.match(messages[0], /There is no file /)
  assert.match(
    messages[1],
    /another file has its name now, and a key that is revoked there would stay/,
  )
  store.close()
}

// Without a lock, another program may remove the log. Deno may not read the list of locks.
function keepsLocks(file, { sqliteKeys }) {
  if (process.platform !== 'linux' || 'deno' in process.versions) return
  const store = sqliteKeys(file, { create: true })
  // Only of these files: garbage collection may close a database of another test.
  const files = [file, `${file}-shm`].map((path) => `:${statSync(path).ino} `)
  const isOurs = (line) =>
    line.includes(` ${process.pid} `) && files.some((inode) => line.includes(inode))
  const countLocks = () => readFileSync('/proc/locks', 'utf8').split('\n').filter(isOurs).length
  const before = countLocks()
  assert.notEqual(before, 0)
  sqliteKeys(file, { create: true }).close()
  assert.equal(countLocks(), before)
  store.close()
}

async function noticesRemovedLogs(file, { createKey, createKeyEndpoint, sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const { key } = await createKey(store, { principal: 'alice' })
  const messages = []
  const endpoint = createKeyEndpoint(
    { store },
    { onError: ({ message }) => messages.push(message) },
  )
  assert.equal(await ask(endpoint, key), 200)
  rmSync(`${file}-wal`)
  assert.equal(await ask(endpoint, key), 500)
  writeFileSync(`${file}-wal`, '')
  assert.equal(await ask(endpoint, key), 500)
  assert.match(messages[0], /-wal: it was removed or another file has its name now/)
  store.close()
}

async function resolvesPaths(file, { createKey, sqliteKeys }) {
  // The mutation tester works in threads, which cannot change the folder.
  if (!isMainThread) return
  const folder = dirname(file)
  const before = process.cwd()
  process.chdir(folder)
  const name = basename(file)
  const names = [name, ':memory:', `file:${name}?mode=memory`]
  const stores = names.map((one) => sqliteKeys(one, { create: true }))
  process.chdir(before)
  for (const [index, store] of stores.entries()) {
    const { id } = await createKey(store, { principal: 'alice' })
    const other = sqliteKeys(join(folder, names[index]))
    assert.equal((await other.get(id)).principal, 'alice')
    other.close()
    store.close()
  }
}

// A copy by VACUUM INTO has none, so that changes and look-ups would wait for one another.
function writesAhead(file, { sqliteKeys }, documentedTable) {
  const database = new Database(file)
  database.exec(documentedTable)
  const modeOf = (opened) => opened.prepare('pragma journal_mode').all()[0].journal_mode
  assert.equal(modeOf(database), 'delete')
  database.close()
  sqliteKeys(file).close()
  const again = new Database(file)
  assert.equal(modeOf(again), 'wal')
  again.close()
}

// A look-up blocks the whole process. A change may wait for ten seconds.
async function waitsBriefly(file, { sqliteKeys }, documentedTable) {
  const database = new Database(file)
  database.exec(`${documentedTable}; begin immediate`)
  const store = sqliteKeys(file)
  await store.list({ limit: 1 })
  database.exec('commit; begin exclusive')
  const start = performance.now()
  await assert.rejects(async () => store.get('a'), { code: 'database' })
  assert.ok(performance.now() - start < 5000)
  database.exec('commit')
  database.close()
  store.close()
}

// A trigger sees how its connection is set. `synchronous = full` is 2: a revocation survives a loss of power.
async function setsWaits(file, { sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const database = new Database(file)
  const note = (table) =>
    `create trigger note_${table} after insert on ${table} begin
      insert into seen select timeout, synchronous from pragma_busy_timeout, pragma_synchronous; end;`
  database.exec(
    `create table seen (ms, sync); ${note('withauth_keys')} ${note('withauth_key_use')}`,
  )
  await store.get('a')
  await store.insert({ id: 'a', principal: 'alice', attributes: {}, sha256: 'a'.repeat(64) })
  const lastUsed = new Date().toISOString()
  await store.addUse([{ id: 'a', day: lastUsed.slice(0, 10), checks: 1, lastUsed }])
  const seen = database.prepare('select ms, sync from seen').all()
  assert.deepEqual(
    seen.map(({ ms, sync }) => [ms, sync]),
    [
      [10_000, 2],
      [100, 2],
    ],
  )
  database.close()
  store.close()
}

async function reportsFirstErrors(file, { sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const database = new Database(file)
  database.exec(
    `create trigger stop before insert on withauth_keys begin select raise(rollback, 'the first error'); end`,
  )
  const key = { id: 'a', principal: 'alice', attributes: {}, sha256: 'a'.repeat(64) }
  await assert.rejects(async () => store.insertAll([key]), { message: /the first error/ })
  database.exec('drop trigger stop')
  assert.equal((await store.insertAll([key])).imported, 1)
  database.close()
  store.close()
}

// A table of someone else's making may hold anything.
async function rejectsInvalidRows(file, { createKey, createKeyEndpoint, sqliteKeys }) {
  const database = new Database(file)
  database.exec(
    `create table withauth_keys (sha256, id, principal, tenant, attributes, paths, prefix, created, expires, revoked, successor)`,
  )
  const store = sqliteKeys(file)
  const endpoint = createKeyEndpoint({ store }, { onError: () => undefined })
  const { key } = await createKey(store, { principal: 'alice' })
  assert.equal(await ask(endpoint, key), 200)
  for (const change of [
    `paths = ''`,
    `paths = 'null'`,
    `paths = 0`,
    `expires = 'soon'`,
    'id = 1',
  ]) {
    database.exec(`update withauth_keys set ${change}`)
    assert.equal(await ask(endpoint, key), 500, change)
    database.exec(`update withauth_keys set id = 'a', paths = null, expires = null`)
  }
  assert.equal(await ask(endpoint, key), 200)
  // A revoked row without its hash would hide which key is revoked.
  database.exec(`update withauth_keys set revoked = 0, sha256 = 'x'`)
  const invalid = { code: 'malformed', message: /"sha256" must be 64 hex digits/ }
  await assert.rejects(async () => store.list({ limit: 9 }), invalid)
  store.close()
  database.close()
}

async function endsInvalidRows(
  file,
  { createKey, pruneKeys, removeKey, revokeKey, revokeKeys, sqliteKeys },
) {
  const store = sqliteKeys(file, { create: true })
  const database = new Database(file)
  const made = []
  for (const _ of [1, 2, 3]) made.push(await createKey(store, { principal: 'alice' }))
  const ids = made.map(({ id }) => id)
  database.exec(`update withauth_keys set prefix = 'not visible' where id = '${ids[1]}'`)
  assert.equal((await revokeKey(store, ids[1])).status, 'revoked')
  assert.equal((await revokeKeys(store, { principal: 'alice' })).length, 3)
  const working = database.prepare('select id from withauth_keys where revoked is null').all()
  assert.deepEqual(working, [])
  database.exec(`update withauth_keys set principal = '' where id = '${ids[1]}'`)
  const removed = await removeKey(store, ids[1])
  assert.deepEqual([removed.id, removed.principal], [ids[1], '(invalid)'])
  database.exec(`update withauth_keys set attributes = '[]' where id = '${ids[0]}'`)
  const pruned = await pruneKeys(store, { older: '0' })
  assert.deepEqual(new Set(pruned.map(({ id }) => id)), new Set([ids[0], ids[2]]))
  database.close()
  store.close()
}

function makesDocumentedTable(file, { sqliteKeys }, documentedTable) {
  const [made, documented] = ['made', 'documented'].map((name) => new Database(`${file}.${name}`))
  sqliteKeys(`${file}.made`, { create: true }).close()
  documented.exec(documentedTable)
  const read = (database) =>
    database
      .prepare('select name, sql from sqlite_schema where sql is not null order by name')
      .all()
      .map(({ name, sql }) => [name, sql.replaceAll(/\s+/g, ' ')])
  assert.deepEqual(read(made), read(documented))
  made.close()
  documented.close()
}

async function writesLastChecks(file, { createKey, createKeyEndpoint, reportKeys, sqliteKeys }) {
  const store = sqliteKeys(file, { create: true })
  const { key } = await createKey(store, { principal: 'alice' })
  const warnings = []
  const onWarning = (message) => warnings.push(message)
  const endpoint = createKeyEndpoint({ store }, { onWarning })
  assert.equal(await ask(endpoint, key), 200)
  store.close()
  const other = sqliteKeys(file)
  const { keys } = await reportKeys(other)
  assert.deepEqual([keys[0].checks.today, warnings], [1, []])
  other.close()
}

async function completesOldTables(file, { createKey, reportKeys, sqliteKeys }, table) {
  const database = new Database(file)
  const old = table.replace(',\n  name text', '').replace(/create table withauth_key_use[^]*/, '')
  database.exec(old)
  database.close()
  const store = sqliteKeys(file)
  const { id } = await createKey(store, { principal: 'alice' })
  await assert.rejects(createKey(store, { principal: 'alice', name: 'a' }), {
    message: `Cannot use ${file}: table withauth_keys has no column named name: sqliteKeys(file, { create: true }) makes it`,
  })
  const { keys, useError } = await reportKeys(store)
  assert.deepEqual([keys.length, keys[0].id, keys[0].checks], [1, id, undefined])
  assert.equal(
    useError.message,
    `Cannot use ${file}: no such table: withauth_key_use: sqliteKeys(file, { create: true }) makes it`,
  )
  const complete = sqliteKeys(file, { create: true })
  const { id: other } = await createKey(complete, { principal: 'alice', name: 'a' })
  assert.equal((await complete.get(other)).name, 'a')
  assert.equal((await complete.get(id)).name, undefined)
  assert.equal((await reportKeys(complete)).useError, undefined)
  store.close()
  complete.close()
}

function namesFiles(file, { sqliteKeys }) {
  writeFileSync(file, 'keys: []\n'.repeat(100))
  const reason = 'file is not a database'
  assert.throws(
    () => sqliteKeys(file),
    ({ code, message, problems, cause }) => {
      const expected = ['database', `Cannot use ${file}: ${reason}`, [], reason]
      assert.deepEqual([code, message, problems, cause.message], expected)
      return true
    },
  )
  const message = '"file" must be the path of a file, received 7'
  assert.throws(() => sqliteKeys(7), { option: 'file', message })
  assert.throws(() => sqliteKeys(''), { option: 'file' })
  assert.throws(() => sqliteKeys(file, { readOnly: true }), { option: 'options.readOnly' })
  assert.throws(() => sqliteKeys(file, { create: 'yes' }), { option: 'options.create' })
}

async function ask(endpoint, key) {
  const body = JSON.stringify({ api_key: key, request: { path: '/', headers: {}, params: {} } })
  return (await endpoint(new Request('http://x/', { method: 'POST', body }))).status
}

async function onNewStore(test, file, api) {
  const store = api.sqliteKeys(file, { create: true })
  await test(store, api, store)
  store.close()
}
