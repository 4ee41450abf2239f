import fs, {
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  lstatSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { editKeyFile, readKeyFile, readKeyText } from '../../../src/keys/file/edit.ts'
import { KeyFileError } from '../../../src/keys/error.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyDocument } from '../../../src/keys/file/document.ts'

const pathOf = setupFolder()
const EMPTY = 'keys: []\n'
const add = ({ document }: KeyDocument): void =>
  document.addIn(['keys'], { id: 'a', principal: 'alice', sha256: '0a'.repeat(32) })

describe('reading', () => {
  it('gives what is in the file', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, EMPTY)
    expect(readKeyFile(file).keys).toEqual([])
  })

  it('says what is wrong', () => {
    const file = pathOf('keys.yaml')
    const failing = (): unknown => readKeyText(file)
    const caused = (cause: object): object => ({ problems: [], cause: matching(cause) })
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'not_found',
        message: `There is no file ${file}`,
        ...caused({ code: 'ENOENT' }),
      }),
    )
    writeFileSync(file, Buffer.from([0xff]))
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'unreadable',
        message: `Cannot read ${file}: it is not UTF-8`,
        ...caused({ code: 'ERR_ENCODING_INVALID_ENCODED_DATA' }),
      }),
    )
    writeFileSync(file, Buffer.alloc(2 * 1024 * 1024, '#'))
    expect(readKeyText(file)).toHaveLength(2 * 1024 * 1024)
    writeFileSync(file, Buffer.alloc(2 * 1024 * 1024 + 1, '#'))
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'unreadable',
        message: `Cannot read ${file}: it is longer than 2097152 bytes. Remove revoked and expired keys from it, or split it into two files, each with an endpoint of its own`,
      }),
    )
  })

  it('says what to do on a runtime without files', () => {
    vi.stubGlobal('process', undefined)
    try {
      expect(() => readKeyText('f')).toThrow(
        'Cannot read f: this runtime has no file system: pass the keys as { text }',
      )
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe('an edit', () => {
  it('makes a file only where it shall', async () => {
    const file = pathOf('keys.yaml')
    await expect(editKeyFile(file, add, { create: false })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(readdirSync(dirname(file))).toEqual([])
    await editKeyFile(file, add, { create: true })
    expect(readKeyFile(file).keys).toHaveLength(1)
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('fills a file that is empty', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, '\n')
    await editKeyFile(file, add, { create: true })
    expect(readKeyFile(file).keys).toHaveLength(1)
  })

  it('leaves a broken file alone', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, 'keys: [')
    await expect(editKeyFile(file, add, { create: true })).rejects.toMatchObject({
      code: 'malformed',
    })
    expect(readFileSync(file, 'utf8')).toBe('keys: [')
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('writes nothing that would not be read again', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, EMPTY)
    const spoil = ({ document }: KeyDocument): void => document.set('keys', 'spoilt')
    await expect(editKeyFile(file, spoil, { create: true })).rejects.toMatchObject({
      code: 'malformed',
    })
    expect(readFileSync(file, 'utf8')).toBe(EMPTY)
  })

  it('is made again on what an editor saved meanwhile', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, EMPTY)
    let times = 0
    await editKeyFile(
      file,
      (current) => {
        times += 1
        if (times === 1) writeFileSync(file, `# saved meanwhile\n${EMPTY}`)
        add(current)
      },
      { create: false },
    )
    expect(times).toBe(2)
    expect(readFileSync(file, 'utf8')).toMatch(/^# saved meanwhile\nkeys:.*id: a/s)
  })

  it('ends where something else changes the file all the time', async () => {
    const file = pathOf('keys.yaml')
    let times = 0
    const failing = editKeyFile(file, () => writeFileSync(file, `# ${(times += 1)}\n${EMPTY}`), {
      create: true,
    })
    await expect(failing).rejects.toMatchObject({
      code: 'locked',
      message: `${file} is being changed by something else again and again`,
    })
    expect(times).toBe(10)
  })

  it('changes the file behind a symbolic link, and locks that one', async () => {
    const file = pathOf('keys.yaml')
    const link = pathOf('link.yaml')
    writeFileSync(file, EMPTY)
    symlinkSync('keys.yaml', link)
    const locked = await editKeyFile(
      link,
      (current) => {
        add(current)
        return existsSync(`${file}.lock`)
      },
      { create: true },
    )
    expect(locked).toBe(true)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readKeyFile(file).keys).toHaveLength(1)
  })

  it.each([
    ['ENAMETOOLONG', 'a name that is too long', 'x'.repeat(300)],
    ['ENOTDIR', 'a file in the place of a folder', 'file/keys.yaml'],
    ['ELOOP', 'a link to itself', 'loop'],
  ])('says why there can be no such file, %s: %s', async (reason, _, name) => {
    writeFileSync(pathOf('file'), EMPTY)
    symlinkSync('loop', pathOf('loop'))
    const file = pathOf(name)
    for (const create of [true, false]) {
      const failure: unknown = await editKeyFile(file, add, { create }).catch(
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(KeyFileError)
      expect(failure).toMatchObject({
        code: 'unreadable',
        message: `Cannot read ${file}: ${reason}`,
        cause: matching({ code: reason }),
      })
    }
  })

  it('leaves what it does not change as it was written, also what is longer than a line', async () => {
    const file = pathOf('keys.yaml')
    const sha256 = '1b'.repeat(32)
    const name = 'bob and so on '.repeat(15)
    const text = `keys:\n  - {id: b, principal: "${name}", attributes: {roles: [a, b]}, sha256: ${sha256}}\n  - id: c\n    principal: ${name}x\n    sha256: ${'2c'.repeat(32)}\n`
    writeFileSync(file, text)
    await editKeyFile(file, add, { create: false })
    const added = `  - id: a\n    principal: alice\n    sha256: ${'0a'.repeat(32)}\n`
    expect(readFileSync(file, 'utf8')).toBe(`${text}${added}`)
  })

  it('takes a file that another process makes at the same time for no link', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, EMPTY)
    const missing = Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    const resolve = vi.spyOn(fs, 'realpathSync').mockImplementationOnce(() => {
      throw missing
    })
    await editKeyFile(file, add, { create: true })
    expect(readKeyFile(file).keys).toMatchObject([{ id: 'a' }])
    resolve.mockRestore()
  })

  it('does not replace a symbolic link that leads nowhere', async () => {
    const link = pathOf('link.yaml')
    symlinkSync('keys.yaml', link)
    await expect(editKeyFile(link, add, { create: true })).rejects.toMatchObject({
      code: 'unreadable',
      message: `Cannot read ${link}: it is a symbolic link to a file that does not exist`,
    })
    expect(() => readKeyText(link)).toThrow('it is a symbolic link to a file that does not exist')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
  })
})

function matching(fields: object): Error {
  return expect.objectContaining(fields) as Error
}
