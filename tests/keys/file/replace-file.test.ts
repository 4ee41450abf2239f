import fs, {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { replaceFile } from '../../../src/keys/file/replace-file.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const always = (): boolean => true
const modeOf = (file: string): string => (statSync(file).mode & 0o7777).toString(8)

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

function failWith(name: 'renameSync' | 'fchownSync' | 'fsyncSync', code: string): void {
  vi.spyOn(fs, name).mockImplementation(() => {
    throw Object.assign(new Error('no'), { code })
  })
}

describe('replaceFile', () => {
  it('creates a file that only its owner can read', () => {
    const file = pathOf('keys.yaml')
    expect(replaceFile(file, 'new', always)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(modeOf(file)).toBe('600')
  })

  it.each([0o600, 0o640, 0o644])('keeps the mode %o and the owner, in another inode', (mode) => {
    const file = write('old')
    chmodSync(file, mode)
    const { uid, gid, ino } = statSync(file)
    const chown = vi.spyOn(fs, 'fchownSync')
    replaceFile(file, 'new', always)
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(modeOf(file)).toBe(mode.toString(8))
    expect(statSync(file)).toMatchObject({ uid, gid })
    expect(statSync(file).ino).not.toBe(ino)
    // Some file systems have no owners.
    expect(chown).not.toHaveBeenCalled()
  })

  it('completes the new content before the rename, and leaves no other file', () => {
    const file = write('old')
    replaceFile(file, 'new', () => {
      expect(readFileSync(file, 'utf8')).toBe('old')
      const [, temporary = ''] = readdirSync(dirname(file))
      expect(readFileSync(pathOf(temporary), 'utf8')).toBe('new')
      expect(modeOf(pathOf(temporary))).toBe(modeOf(file))
      return true
    })
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('leaves a path that it cannot replace as it is', () => {
    const folder = pathOf('keys.yaml')
    mkdirSync(folder)
    // The code depends on the system.
    const code = expect.stringMatching(/^(?:EISDIR|ENOTEMPTY|EEXIST|EPERM)$/) as string
    const message = expect.stringMatching(/^Cannot write .*keys\.yaml: E[A-Z]+$/) as string
    const cause = expect.objectContaining({ code }) as Error
    const error = { code: 'unwritable', message, problems: [], cause }
    expect(() => replaceFile(folder, 'new', always)).toThrow(expect.objectContaining(error))
    expect(readdirSync(dirname(folder))).toEqual(['keys.yaml'])
  })

  it.each(['EBUSY', 'EXDEV'])('advises to mount the folder after %s', (code) => {
    const file = pathOf('keys.yaml')
    failWith('renameSync', code)
    expect(() => replaceFile(file, 'new', always)).toThrow(
      `Cannot write ${file}: ${code}. If it is mounted alone, mount its folder instead`,
    )
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it('writes the content to disk before the rename, and the rename before it returns', () => {
    const calls: string[] = []
    const { fsyncSync, renameSync } = fs
    const folder = statSync(pathOf('.')).ino
    vi.spyOn(fs, 'fsyncSync').mockImplementation((handle) => {
      const { ino, size } = fs.fstatSync(handle)
      calls.push(ino === folder ? 'sync folder' : `sync ${size} bytes`)
      fsyncSync(handle)
    })
    vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      calls.push('rename')
      renameSync(from, to)
    })
    replaceFile(pathOf('keys.yaml'), 'new', always)
    expect(calls).toEqual(['sync 3 bytes', 'rename', 'sync folder'])
  })

  it('closes every file, also after an error', () => {
    const opened = vi.spyOn(fs, 'openSync')
    const closed = vi.spyOn(fs, 'closeSync')
    replaceFile(pathOf('keys.yaml'), 'new', always)
    failWith('fsyncSync', 'EIO')
    expect(() => replaceFile(pathOf('keys.yaml'), 'newer', always)).toThrow('keys.yaml: EIO')
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe('new')
    expect(closed.mock.calls).toEqual(opened.mock.results.map(({ value }) => [value]))
    expect(opened).toHaveBeenCalledTimes(3)
  })
})

describe('the file of another user', () => {
  const ofAnother = (uidMore: number, gidMore: number): string => {
    const file = write('old')
    const { uid, gid } = statSync(file)
    const stats = Object.assign(statSync(file), { uid: uid + uidMore, gid: gid + gidMore })
    vi.spyOn(fs, 'statSync').mockReturnValue(stats)
    return file
  }

  it.each([
    ['user', 1, 0],
    ['group', 0, 1],
    ['user and group', 1, 1],
  ])('keeps its %s', (_, uidMore, gidMore) => {
    const file = ofAnother(uidMore, gidMore)
    const { uid, gid } = fs.statSync(file)
    const chown = vi.spyOn(fs, 'fchownSync').mockImplementation(() => undefined)
    replaceFile(file, 'new', always)
    expect(chown).toHaveBeenCalledExactlyOnceWith(expect.any(Number), uid, gid)
  })

  it('is not replaced if the owner cannot be kept: its service could no longer read it', () => {
    const file = ofAnother(1, 1)
    failWith('fchownSync', 'EPERM')
    expect(() => replaceFile(file, 'new', always)).toThrow(`Cannot write ${file}: EPERM`)
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })
})
