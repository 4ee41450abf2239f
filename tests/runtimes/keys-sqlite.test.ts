import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, inject, it } from 'vitest'
import { findNode, versionOf } from './support/binaries.ts'
import { runProgram, RUNTIMES } from './support/run-program.ts'
import type { Binary } from './support/binaries.ts'

const NODE_20 = findNode('20')
const WITH_SQLITE = RUNTIMES.filter((binary) => binary !== NODE_20)
const PERMISSIONS = ['--allow-read', '--allow-write', '--allow-env']

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/keys-database.md'), 'utf8')
const [TABLE = ''] = /(?<=```sql\n)-- SQLite[^`]+/.exec(PAGE) ?? []

// The tests of `tests/keys`, for the package as it is published.
const CONTRACT = join(import.meta.dirname, '../keys/database')
beforeAll(() => {
  for (const file of ['key-store-contract.js', 'sqlite-contract.js']) {
    cpSync(join(CONTRACT, file), join(inject('app'), file))
  }
})

const makeFolder = (): string => mkdtempSync(join(inject('app'), 'sqlite-'))

/** The output of `keys-sqlite.js`. */
interface Printed {
  readonly passed: number
  readonly failures: readonly string[]
}

async function runTests(binary: Binary, folder: string): Promise<Printed> {
  const line = ['keys-sqlite.js', folder, TABLE]
  return (await runProgram(binary, line, { permissions: PERMISSIONS })) as Printed
}

it.each(WITH_SQLITE)('sqliteKeys keeps its contract on $name', async (binary) => {
  expect(await runTests(binary, makeFolder())).toEqual({ passed: 41, failures: [] })
})

it('sqliteKeys says on Node 20 what it needs, before it makes a file', async () => {
  const folder = makeFolder()
  const { failures } = await runTests(NODE_20, folder)
  const reason = `SQLite needs Node 22.13 or later, Deno 2.2 or Bun, and this is Node ${versionOf(NODE_20)}`
  expect(failures[0]).toContain(`${reason}: use a file of keys or PostgreSQL there`)
  expect(readdirSync(folder).filter((name) => !name.endsWith('.db'))).toEqual([])
  expect(readdirSync(folder)).not.toContain('0.db')
})

it.each(WITH_SQLITE)('the command moves keys from a file into SQLite on $name', async (binary) => {
  const cwd = makeFolder()
  const command = join(inject('app'), 'node_modules/with-auth/dist/cli.js')
  const keys = (...line: readonly string[]): Promise<unknown> =>
    runProgram(binary, [command, 'keys', ...line, '--json'], {
      permissions: PERMISSIONS,
      cwd,
      env: { KEYS_URL: 'postgres://127.0.0.1:9/keys' },
    })
  const failing = (code: number, stderr: string): object => ({
    cause: { code, stderr: expect.stringContaining(stderr) as string },
  })
  await expect(keys('list', '--keys', 'keys.db')).rejects.toMatchObject(
    failing(1, '--keys keys.db: no such file'),
  )
  await expect(keys('list', '--keys', 'env:KEYS_URL')).rejects.toMatchObject(
    failing(1, String.raw`needs the package \"pg\", which is not installed: npm install pg@8`),
  )
  expect(readdirSync(cwd)).not.toContain('keys.db')
  await keys('create', '--keys', 'keys.yaml', '--principal', 'alice')
  expect(await keys('import', 'keys.yaml', '--keys', 'keys.db')).toEqual({
    imported: 1,
    present: 0,
  })
  const [exported, original] = await Promise.all(
    ['keys.db', 'keys.yaml'].map((place) => keys('export', '--keys', place)),
  )
  expect(exported).toEqual(original)
})
