import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it, vi } from 'vitest'
import * as api from '../../../src/keys.ts'
import { SQLITE_TESTS } from './sqlite-contract.js'
import { tellSkipped } from '../../support/installed.ts'
import { readFences } from '../../support/markdown.ts'
import { readText } from '../../support/project.ts'

type SqliteTest = (file: string, functions: typeof api, table: string | undefined) => unknown

const MISSING =
  process.getBuiltinModule('node:sqlite') === undefined
    ? tellSkipped('node:sqlite needs Node 22.13 or later')
    : undefined

/** Locks a new file for half a second. No other connection can read it then. */
const COPIER = `
  const { DatabaseSync } = require('node:sqlite')
  const { parentPort, workerData } = require('node:worker_threads')
  const database = new DatabaseSync(workerData.file)
  database.exec(workerData.table + '; begin exclusive')
  parentPort.postMessage('locked')
  setTimeout(() => {
    database.exec('commit')
    database.close()
  }, 500)
`

// The tests of the runtimes run them for the package as it is published.
describe.skipIf(MISSING !== undefined)(`sqliteKeys ${MISSING ?? ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-sqlite-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const table = readFences(readText('docs/keys-database.md')).find(({ code }) =>
    code.startsWith('-- SQLite'),
  )?.code

  it.each(SQLITE_TESTS as [string, SqliteTest][])('%s', async (title, test) => {
    await expect(Promise.resolve(test(join(folder, title), api, table))).resolves.toBeUndefined()
  })

  it('waits until another process has copied keys into the file', async () => {
    const file = join(folder, 'copied')
    const worker = new Worker(COPIER, { eval: true, workerData: { file, table } })
    await once(worker, 'message')
    const store = api.sqliteKeys(file)
    expect(await store.list({ limit: 1 })).toEqual([])
    await store.close()
    await once(worker, 'exit')
  })
})

it('sqliteKeys says what it needs on a runtime without SQLite', () => {
  const load = process.getBuiltinModule.bind(process)
  vi.spyOn(process, 'getBuiltinModule').mockImplementation((name) =>
    name === 'node:sqlite' ? undefined : load(name),
  )
  const message = `SQLite needs Node 22.13 or later, Deno 2.2 or Bun, and this is Node ${process.versions.node}: use a file of keys or PostgreSQL there`
  const error = expect.objectContaining({ code: 'unreadable', message }) as Error
  expect(() => api.sqliteKeys('keys.db')).toThrow(error)
})
