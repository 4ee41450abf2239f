import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKey, KeyFileError, listKeys, revokeKey } from '../src/keys.ts'
import { ensureBuilt } from './support/built-package.ts'
import { setupFolder } from './support/temporary-folder.ts'
import type { NewKey } from '../src/keys.ts'

const pathOf = setupFolder()
const run = promisify(execFile)
const EDITOR = join(import.meta.dirname, 'support/key-editor.js')

interface Made {
  readonly id: string
  readonly principal: string
  readonly isRevoked: boolean
}

describe('the keys of a file', () => {
  it('are made, listed and revoked; neither a key nor a hash is listed', async () => {
    const file = pathOf('keys.yaml')
    const alice = await createKey(file, { principal: 'alice', expiresIn: '90d' })
    const bob = await createKey(file, { principal: 'bob' })
    await revokeKey(file, alice.id)
    const listed = await listKeys(file)
    expect(listed).toMatchObject([
      { id: alice.id, principal: 'alice', status: 'revoked' },
      { id: bob.id, principal: 'bob', status: 'active' },
    ])
    const shown = JSON.stringify(listed)
    const hashes = readFileSync(file, 'utf8').match(/\b[\da-f]{64}\b/g) ?? []
    expect(hashes).toHaveLength(2)
    expect([alice.key, bob.key, ...hashes].filter((secret) => shown.includes(secret))).toEqual([])
    expect(readFileSync(file, 'utf8')).not.toContain(alice.key)
  })

  it('are asked for with a file and an id', async () => {
    const bad: unknown = undefined
    await expect(createKey('', { principal: 'a' })).rejects.toMatchObject({ option: 'file' })
    await expect(listKeys(bad as string)).rejects.toMatchObject({ option: 'file' })
    await expect(revokeKey(bad as string, 'a')).rejects.toMatchObject({ option: 'file' })
    await expect(revokeKey('keys.yaml', bad as string)).rejects.toMatchObject({ option: 'id' })
    await expect(createKey('keys.yaml', bad as NewKey)).rejects.toMatchObject({ option: 'key' })
    await expect(listKeys(pathOf('none.yaml'))).rejects.toBeInstanceOf(KeyFileError)
  })
})

describe('processes that change the keys at the same time', { timeout: 60_000 }, () => {
  beforeAll(() => ensureBuilt(), 60_000)

  it.each([
    [2, 10],
    [5, 4],
  ])('lose nothing: %i of them, %i keys each', async (processes, count) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, '# Who may come in.\nkeys: # the list\n')
    expect(await edit(file, processes, count)).toEqual(await keptIn(file))
    expect(readFileSync(file, 'utf8').match(/#.*/g)).toEqual(['# Who may come in.', '# the list'])
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('make a file that is not there only once', async () => {
    const file = pathOf('keys.yaml')
    expect(await edit(file, 4, 2)).toEqual(await keptIn(file))
  })

  it('take over the lock of one that ended, and lose nothing', async () => {
    const file = pathOf('keys.yaml')
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(`${file}.lock`, JSON.stringify({ pid, host: hostname(), nonce: 'n' }))
    utimesSync(`${file}.lock`, 1, 1)
    expect(await edit(file, 4, 3)).toEqual(await keptIn(file))
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })
})

/** Changes the file in as many processes at once, and gives what they say that they did. */
async function edit(file: string, processes: number, count: number): Promise<Made[]> {
  const names = Array.from({ length: processes }, (_, index) => `p${index}`)
  const printed = await Promise.all(
    names.map((name) => run(process.execPath, [EDITOR, file, name, String(count)])),
  )
  return byId(printed.flatMap(({ stdout }) => JSON.parse(stdout) as Made[]))
}

/** What the file says that was done. */
async function keptIn(file: string): Promise<Made[]> {
  const listed = await listKeys(file)
  return byId(
    listed.map(({ id, principal, status }) => ({ id, principal, isRevoked: status === 'revoked' })),
  )
}

function byId(made: readonly Made[]): Made[] {
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  return [...made].sort((one, other) => one.id.localeCompare(other.id))
}
