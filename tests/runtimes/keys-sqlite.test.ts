import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locate, NODES, versionOf } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

const run = promisify(execFile)

const RUNTIMES: readonly (readonly [Binary, ...string[]])[] = [
  ...NODES.filter(({ name }) => name !== 'Node 20').map((node): [Binary] => [node]),
  [BUN],
  [DENO, 'run', '--no-prompt', '--allow-read', '--allow-write', '--allow-env'],
]

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/keys-database.md'), 'utf8')
const [TABLE = ''] = /(?<=```sql\n)-- SQLite[^`]+/.exec(PAGE) ?? []

/** What `keys-sqlite.js` prints. */
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
    expect((await runTests(runtime)).printed).toEqual({ passed: 23, failures: [] })
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
