import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locate, SOME_NODES, versionOf } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

const run = promisify(execFile)

const RUNTIMES: readonly (readonly [Binary, ...string[]])[] = [
  ...SOME_NODES.filter(({ name }) => name !== 'Node 20').map((node): [Binary] => [node]),
  [BUN],
  [DENO, 'run', '--no-prompt', '--allow-read', '--allow-write', '--allow-env'],
]

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/keys-database.md'), 'utf8')
const [TABLE = ''] = /(?<=```sql\n)-- SQLite[^`]+/.exec(PAGE) ?? []

/** The output of `keys-sqlite.js`. */
interface Printed {
  readonly passed: number
  readonly failures: readonly string[]
}

async function runTests([binary, ...args]: readonly [Binary, ...string[]]): Promise<{
  readonly folder: string
  readonly printed: Printed
}> {
  const folder = mkdtempSync(join(inject('app'), 'sqlite-'))
  const command = [...args, 'keys-sqlite.js', folder, TABLE]
  const { stdout } = await run(locate(binary), command, { cwd: inject('app'), env: {} })
  return { folder, printed: JSON.parse(stdout) as Printed }
}

it.each(RUNTIMES.map((runtime) => [runtime[0].name, runtime] as const))(
  'sqliteKeys keeps its contract on %s',
  async (_name, runtime) => {
    expect((await runTests(runtime)).printed).toEqual({ passed: 39, failures: [] })
  },
  60_000,
)

it('sqliteKeys says on Node 20 what it needs, before it makes a file', async () => {
  const node = findNode('20')
  const { folder, printed } = await runTests([node])
  const reason = `SQLite needs Node 22.13 or later, Deno 2.2 or Bun, and this is Node ${versionOf(node)}`
  expect(printed.failures[0]).toContain(`${reason}: use a file of keys or PostgreSQL there`)
  expect(readdirSync(folder).filter((name) => !name.endsWith('.db'))).toEqual([])
  expect(readdirSync(folder)).not.toContain('0.db')
})

/** Runs `with-auth keys` in a folder. */
async function runKeys(
  [binary, ...args]: readonly [Binary, ...string[]],
  cwd: string,
  ...line: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: unknown }> {
  const command = join(inject('app'), 'node_modules/with-auth/dist/cli.js')
  const env = { KEYS_URL: 'postgres://127.0.0.1:9/keys' }
  return run(locate(binary), [...args, command, 'keys', ...line], { cwd, env }).then(
    (output) => ({ ...output, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: unknown },
  )
}

it.each(RUNTIMES.map((runtime) => [runtime[0].name, runtime] as const))(
  'the command moves keys from a file into SQLite and back on %s',
  async (_name, runtime) => {
    const folder = mkdtempSync(join(inject('app'), 'sqlite-'))
    const keys = (...line: readonly string[]): ReturnType<typeof runKeys> =>
      runKeys(runtime, folder, ...line)
    expect(await keys('list', '--keys', 'keys.db')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--keys keys.db: no such file'),
    })
    const wrong = await keys('create', '--keys', 'keys.db', '--principal', 'a', '--path', 'v1')
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--path must be') })
    expect(readdirSync(folder)).toEqual([])
    await keys('create', '--keys', 'keys.yaml', '--principal', 'alice')
    const imported = await keys('import', 'keys.yaml', '--keys', 'keys.db', '--json')
    expect(JSON.parse(imported.stdout)).toEqual({ imported: 1, present: 0 })
    const [exported, original] = await Promise.all(
      ['keys.db', 'keys.yaml'].map((place) => keys('export', '--keys', place, '--json')),
    )
    expect(JSON.parse(exported?.stdout ?? '')).toEqual(JSON.parse(original?.stdout ?? 'null'))
    expect((await keys('create', '--keys', 'new.sqlite', '--principal', 'bob')).code).toBe(0)
    expect((await keys('revoke', '--keys', 'keys.db', '--principal', 'alice')).code).toBe(0)
    const listed = await keys('list', '--keys', 'keys.db')
    expect(listed.stdout).toMatch(/alice .* revoked$/m)
    expect((await keys('list', '--keys', 'env:KEYS_URL')).stderr).toContain(
      '--keys env:NAME needs the package "pg", which is not installed: npm install pg@8',
    )
  },
  60_000,
)
