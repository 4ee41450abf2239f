import fs, {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { KeyFileError } from '../../../src/keys/error.ts'
import { readKeyFile, readKeyText } from '../../../src/keys/file/read.ts'
import { fileRepository } from '../../../src/keys/file/repository.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { EditKind, KeyRecords } from '../../../src/keys/repository.ts'

const pathOf = setupFolder()
const EMPTY = 'keys: []\n'
const MIB = 1024 * 1024

async function add(keys: KeyRecords): Promise<void> {
  await keys.insert({ id: 'a', principal: 'alice', attributes: {}, sha256: '0a'.repeat(32) })
}

function edit<Value>(
  file: string,
  kind: EditKind,
  work: (keys: KeyRecords) => Promise<Value>,
): Promise<Value> {
  return fileRepository(file).edit(kind, work)
}

function write(content: string | Uint8Array): string {
  writeFileSync(pathOf('keys.yaml'), content)
  return pathOf('keys.yaml')
}

function withCause(code: string): Error {
  return expect.objectContaining({ code, syscall: expect.any(String) as string }) as Error
}

describe('readKeyText', () => {
  it('says why a file cannot be read, and what to do', () => {
    const file = pathOf('keys.yaml')
    const failing = (): unknown => readKeyText(file)
    const missing = { code: 'not_found', message: `There is no file ${file}`, problems: [] }
    const error = { ...missing, cause: withCause('ENOENT') }
    expect(failing).toThrow(expect.objectContaining(error))
    write(Buffer.from([0xff]))
    const message = `Cannot read ${file}: it is not UTF-8`
    symlinkSync('loop', pathOf('loop'))
    expect(() => readKeyText(pathOf('loop'))).toThrow(
      expect.objectContaining({ code: 'unreadable', problems: [], cause: withCause('ELOOP') }),
    )
    expect(failing).toThrow(expect.objectContaining({ code: 'unreadable', message }))
    write(Buffer.alloc(2 * MIB, '#'))
    expect(readKeyText(file)).toHaveLength(2 * MIB)
    write(Buffer.alloc(2 * MIB + 1, '#'))
    expect(failing).toThrow(
      `Cannot read ${file}: it is longer than 2097152 bytes. Move the keys into a database: "with-auth keys import FILE --keys keys.db"`,
    )
    vi.stubGlobal('process', undefined)
    expect(failing).toThrow('this runtime has no file system: pass the keys as { text }')
  })
})

describe('an edit', () => {
  it('creates a file only if it may', async () => {
    const file = pathOf('keys.yaml')
    for (const kind of ['change', 'extend'] as const) {
      const failing = edit(file, kind, add)
      await expect(failing).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(readdirSync(dirname(file))).toEqual([])
    await edit(file, 'create', add)
    expect(readKeyFile(file).keys).toHaveLength(1)
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('fills an empty file', async () => {
    const file = write('\n')
    await edit(file, 'create', add)
    expect(readKeyFile(file).keys).toHaveLength(1)
  })

  it.each<[string, string, (keys: KeyRecords) => Promise<unknown>]>([
    ['leaves a broken file as it is', 'keys: [', add],
    [
      'does not break a file',
      EMPTY,
      async (keys) => keys.insert({ id: 'a b', principal: 'a', attributes: {}, sha256: '' }),
    ],
    [
      'leaves a file as it is if a later step fails',
      `keys:\n  - { id: b, principal: alice, sha256: ${'0b'.repeat(32)} }\n`,
      async (keys) => {
        await keys.remove('b')
        await add(keys)
        await add(keys)
      },
    ],
  ])('%s', async (_, text, change) => {
    const file = write(text)
    const failing = edit(file, 'create', change)
    await expect(failing).rejects.toBeInstanceOf(KeyFileError)
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('starts over from what an editor saves during the change', async () => {
    const file = write(EMPTY)
    let calls = 0
    await edit(file, 'change', async (keys) => {
      calls += 1
      if (calls === 1) write(`# saved\n${EMPTY}`)
      await add(keys)
    })
    expect(calls).toBe(2)
    expect(readFileSync(file, 'utf8')).toMatch(/^# saved\nkeys:.*id: a/s)
  })

  it('fails if another program changes the file during ten attempts', async () => {
    const file = pathOf('keys.yaml')
    let calls = 0
    const failing = edit(file, 'create', async (keys) => {
      write(`# ${(calls += 1)}\n${EMPTY}`)
      await add(keys)
    })
    await expect(failing).rejects.toMatchObject({
      code: 'locked',
      message: `Cannot change ${file}: another program changed it during each of 10 attempts. Try again`,
    })
    expect(calls).toBe(10)
  })

  it('changes and locks the target of a symbolic link', async () => {
    const file = write(EMPTY)
    const link = pathOf('link.yaml')
    symlinkSync('keys.yaml', link)
    const isLocked = await edit(link, 'create', async (keys) => {
      await add(keys)
      return existsSync(`${file}.lock`)
    })
    expect(isLocked).toBe(true)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readKeyFile(file).keys).toHaveLength(1)
  })

  it.each([
    ['ENAMETOOLONG', 'x'.repeat(300)],
    ['ENOTDIR', 'keys.yaml/keys.yaml'],
    ['ELOOP', 'loop'],
    ['it is a symbolic link to a file that does not exist', 'dangling'],
  ])('says why a file cannot exist: %s', async (reason, name) => {
    write(EMPTY)
    symlinkSync('loop', pathOf('loop'))
    symlinkSync('none', pathOf('dangling'))
    const message = `Cannot read ${pathOf(name)}: ${reason}`
    for (const kind of ['create', 'change'] as const) {
      const failing = edit(pathOf(name), kind, add)
      await expect(failing).rejects.toBeInstanceOf(KeyFileError)
      await expect(failing).rejects.toMatchObject({ code: 'unreadable', message })
    }
    expect(() => readKeyText(pathOf(name))).toThrow(message)
    expect(lstatSync(pathOf('dangling')).isSymbolicLink()).toBe(true)
  })

  it('edits a file that another process creates at the same time', async () => {
    const file = write(EMPTY)
    vi.spyOn(fs, 'realpathSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    })
    await edit(file, 'create', add)
    expect(readKeyFile(file).keys).toMatchObject([{ id: 'a' }])
  })
})
