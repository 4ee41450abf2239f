import assert from 'node:assert/strict'
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import * as api from 'with-auth/keys'
import { KEY_STORE_TESTS } from './key-store-contract.js'

const { createKey, createKeyEndpoint, revokeKey, sqliteKeys } = api
const [folder, documentedTable] = process.argv.slice(2)
const bun = 'bun' in process.versions
const { [bun ? 'Database' : 'DatabaseSync']: Database } =
  process.getBuiltinModule(bun ? 'bun:sqlite' : 'node:sqlite') ?? {}

const FILE_TESTS = [
  ['makes files that only their owner can read', makesPrivateFiles],
  ['makes a file or a table only with { create: true }', makesNothingUnasked],
  ['sees what another connection has written', seesOtherConnections],
  ['works on no other file that takes its name', noticesReplacements],
  ['answers 500 to the key of an invalid row', rejectsInvalidRows],
  ['makes the table that the documentation shows', makesDocumentedTable],
  ['names its file, and no value, in errors', namesFiles],
]

async function makesPrivateFiles(file) {
  const store = sqliteKeys(file, { create: true })
  await createKey(store, { principal: 'alice' })
  const names = [file, `${file}-wal`, `${file}-shm`]
  assert.deepEqual(
    names.map((name) => statSync(name).mode & 0o777),
    [0o600, 0o600, 0o600],
  )
  store.close()
  assert.throws(() => sqliteKeys(join(file, 'x'), { create: true }), { code: 'unwritable' })
}

function makesNothingUnasked(file) {
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

async function seesOtherConnections(file) {
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

async function noticesReplacements(file) {
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
  assert.match(messages[1], /another file has its name now/)
  store.close()
}

// A table of someone else's making may hold anything.
async function rejectsInvalidRows(file) {
  const database = new Database(file)
  database.exec(
    `create table withauth_keys (sha256, id, principal, attributes, paths, prefix, created, expires, revoked, successor)`,
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
  store.close()
  database.close()
}

function makesDocumentedTable(file) {
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

function namesFiles(file) {
  writeFileSync(file, 'keys: []\n'.repeat(100))
  assert.throws(() => sqliteKeys(file), {
    code: 'database',
    message: `Cannot use ${file}: file is not a database`,
  })
  assert.throws(() => sqliteKeys(''), { option: 'file' })
  assert.throws(() => sqliteKeys(file, { readOnly: true }), { option: 'options.readOnly' })
}

async function ask(endpoint, key) {
  const body = JSON.stringify({ api_key: key, request: { path: '/', headers: {}, params: {} } })
  return (await endpoint(new Request('http://x/', { method: 'POST', body }))).status
}

async function onNewStore(test, file) {
  const store = sqliteKeys(file, { create: true })
  await test(store, api)
  store.close()
}

const passed = []
const failures = []
const tests = [
  ...KEY_STORE_TESTS.map(([title, test]) => [title, (file) => onNewStore(test, file)]),
  ...FILE_TESTS,
]
for (const [index, [title, test]] of tests.entries()) {
  try {
    await test(join(folder, `${index}.db`))
    passed.push(title)
  } catch (error) {
    failures.push([title, error.stack].join(': '))
  }
}
console.log(JSON.stringify({ passed: passed.length, failures }))
