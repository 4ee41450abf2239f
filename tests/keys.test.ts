import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  createKey,
  createKeyEndpoint,
  exportKeys,
  importKeys,
  listKeys,
  pruneKeys,
  removeKey,
  revokeKey,
  revokeKeys,
  rotateKey,
} from '../src/keys.ts'
import { writeUses } from '../src/keys/usage/recorder.ts'
import { ensureBuilt } from './support/built-package.ts'
import { ask, entry, keysText } from './support/key-questions.ts'
import { setupFolder } from './support/temporary-folder.ts'
import type { KeyStore } from '../src/keys.ts'

const pathOf = setupFolder()
const run = promisify(execFile)
const COMMAND = join(import.meta.dirname, '../dist/cli.js')
const EDITOR = join(import.meta.dirname, 'keys/programs/key-editor.js')

interface Made {
  readonly id: string
  readonly principal: string
  readonly isRevoked: boolean
}

describe('the functions over a file', () => {
  const none = undefined as unknown as string
  it.each<[string, () => Promise<unknown>, string?]>([
    [
      'place',
      () => listKeys(none),
      '"place" must be the path of a file, or a KeyStore, received undefined',
    ],
    [
      'id',
      () => revokeKey('f', none),
      '"id" must be the id of a key, or { key } with the key, received undefined',
    ],
    [
      'place',
      () => listKeys(null as never),
      '"place" must be the path of a file, or a KeyStore, received null',
    ],
    ['place', () => listKeys('')],
    [
      'place',
      () => listKeys(['s3cret'] as never),
      '"place" must be the path of a file, or a KeyStore, received an object',
    ],
    ['page', () => listKeys('f', 'a' as never), '"page" must be an object, received "a"'],
    ['page.first', () => listKeys('f', { first: 1 } as never)],
    [
      'key',
      () => createKey('f', 'alice' as never),
      '"key" must be an object such as { principal }, received "alice"',
    ],
    ['key.user', () => createKey('f', { user: 'alice' } as never)],
    ['id', () => removeKey('f', none), '"id" must be the id of a key, received undefined'],
    [
      'wanted',
      () => revokeKeys('f', 'alice' as never),
      '"wanted" must be { principal }, received "alice"',
    ],
    ['options', () => rotateKey('f', 'a', '1h' as never)],
    ['options', () => pruneKeys('f', '90d' as never)],
    ['options.dryRun', () => pruneKeys('f', { older: '0', dryRun: 'no' as never })],
    [
      'id.key',
      () => revokeKey('f', { key: 7 as never }),
      '"id.key" must be the key, a text (its value is not shown)',
    ],
    [
      'id.key',
      () => revokeKey('f', { key: '' }),
      '"id.key" must be the key, a text (its value is not shown)',
    ],
    ['page.after', () => listKeys('f', { after: 'not an id' })],
    ['page.after', () => listKeys('f', { after: 7 as never })],
    [
      'page.limit',
      () => listKeys('f', { limit: 1001 }),
      '"page.limit" must be a whole number from 1 to 1000, received 1001',
    ],
    [
      'place',
      async () => exportKeys({ list: () => [], password: 's3cret' } as unknown as string),
      '"place" must be the path of a file, or a KeyStore, received an object',
    ],
    [
      'to',
      () => importKeys('f', 'g' as unknown as KeyStore),
      '"to" must be a KeyStore (its value is not shown)',
    ],
  ])('reject a wrong "%s"', async (option, call, message = expect.any(String) as string) => {
    await expect(call()).rejects.toMatchObject({ option, message })
  })
})

describe('an endpoint over a file', () => {
  it('allows both keys of a rotation until the overlap ends, and then only the new one', async () => {
    const file = pathOf('keys.yaml')
    const old = await createKey(file, { principal: 'alice', paths: ['/v1'] })
    const endpoint = createKeyEndpoint({ file })
    const statuses = async (...keys: readonly string[]): Promise<number[]> =>
      Promise.all(keys.map(async (key) => (await endpoint(ask(key))).status))
    const { key, replaces } = await rotateKey(file, old.id, { overlap: '1h' })
    const end = Date.parse(replaces.expires ?? '')
    vi.useFakeTimers({ toFake: ['Date'], now: end - 1 })
    expect(await statuses(old.key, key)).toEqual([200, 200])
    vi.setSystemTime(end)
    expect(await statuses(old.key, key)).toEqual([401, 200])
    vi.useRealTimers()

    const again = await rotateKey(file, (await listKeys(file))[1]?.id ?? '', { overlap: '0' })
    expect(await statuses(key, again.key)).toEqual([401, 200])
    await again.undo()
    expect(await statuses(key, again.key)).toEqual([200, 401])
    await revokeKey(file, old.id)
    expect(await pruneKeys(file, { older: '0' })).toMatchObject([{ id: old.id, status: 'revoked' }])
    expect(await statuses(old.key, key)).toEqual([401, 200])
  })

  it('throws at the start for a missing or broken file', () => {
    const file = pathOf('keys.yaml')
    expect(() => createKeyEndpoint({ file })).toThrow(`There is no file ${file}`)
    writeFileSync(file, 'keys: {}\n')
    expect(() => createKeyEndpoint({ file })).toThrow(`${file}:1:7: "keys" must be a list`)
  })
})

describe('an endpoint over a text', () => {
  it('uses no file', async () => {
    // A test before it may have checks left to write.
    await writeUses()
    const builtin = vi.spyOn(process, 'getBuiltinModule')
    const endpoint = createKeyEndpoint({ text: keysText(entry('k1')) })
    expect((await endpoint(ask('k1'))).status).toBe(200)
    expect((await endpoint(ask('k2'))).status).toBe(401)
    expect(builtin).not.toHaveBeenCalled()
  })
})

describe('processes that change a file at the same time', { tags: ['slow'] }, () => {
  beforeAll(() => ensureBuilt(), 60_000)

  it('lose no change', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, '# The keys.\nkeys: # the list\n')
    expect(await edit(file, 5, 4)).toEqual(await keptIn(file))
    expect(readFileSync(file, 'utf8').match(/#.*/g)).toEqual(['# The keys.', '# the list'])
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('always see one active key while another process rotates it', async () => {
    const file = pathOf('keys.yaml')
    const { id } = await createKey(file, { principal: 'alice' })
    const counts = new Set<number>()
    const done = new AbortController()
    const rotateOften = async (): Promise<void> => {
      let last = id
      for (let times = 0; times < 4; times += 1) {
        const args = ['keys', 'rotate', last, '--overlap=0', '--json', '--keys', file]
        const { stdout } = await run(process.execPath, [COMMAND, ...args])
        last = (JSON.parse(stdout) as { id: string }).id
      }
      done.abort()
    }
    const watch = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const listed = await listKeys(file)
        counts.add(listed.filter(({ status }) => status === 'active').length)
        await new Promise(setImmediate)
      }
    }
    await Promise.all([rotateOften(), watch()])
    expect([...counts]).toEqual([1])
    expect(await listKeys(file)).toHaveLength(5)
  })

  it('create a missing file only once', async () => {
    const file = pathOf('keys.yaml')
    expect(await edit(file, 4, 2)).toEqual(await keptIn(file))
  })
})

/** Changes the file in several processes at once. Returns the changes that they report. */
async function edit(file: string, processes: number, count: number): Promise<Made[]> {
  const names = Array.from({ length: processes }, (_, index) => `p${index}`)
  const printed = await Promise.all(
    names.map((name) => run(process.execPath, [EDITOR, file, name, String(count)])),
  )
  return byId(printed.flatMap(({ stdout }) => JSON.parse(stdout) as Made[]))
}

/** Returns the changes that the file holds. */
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
