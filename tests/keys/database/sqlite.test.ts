import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
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
})
