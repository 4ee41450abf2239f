import fs, {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { replaceFile } from '../../../src/keys/file/replace-file.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const always = (): boolean => true
const modeOf = (file: string): string => (statSync(file).mode & 0o7777).toString(8)

afterEach(() => vi.restoreAllMocks())

describe('a file that is replaced', () => {
  it('is for its owner alone if it is new', () => {
    const file = pathOf('keys.yaml')
    expect(replaceFile(file, 'new', always)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(modeOf(file)).toBe('600')
  })

  it.each([0o600, 0o640, 0o644])('keeps its mode %o, and its owner', (mode) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, 'old')
    chmodSync(file, mode)
    const { uid, gid, ino } = statSync(file)
    replaceFile(file, 'new', always)
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(modeOf(file)).toBe(mode.toString(8))
    expect(statSync(file)).toMatchObject({ uid, gid })
    // Another file under the same name: nobody can read half of it.
    expect(statSync(file).ino).not.toBe(ino)
  })

  it('is whole before it is under its name, and alone in its folder afterwards', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, 'old')
    replaceFile(file, 'new', () => {
      expect(readFileSync(file, 'utf8')).toBe('old')
      const [, temporary = ''] = readdirSync(dirname(file))
      expect(readFileSync(pathOf(temporary), 'utf8')).toBe('new')
      expect(modeOf(pathOf(temporary))).toBe(modeOf(file))
      return true
    })
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('stays as it was if it may not be', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, 'old')
    expect(replaceFile(file, 'new', () => false)).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })

  it('stays as it was, and leaves nothing, if it cannot be', () => {
    const folder = pathOf('keys.yaml')
    mkdirSync(folder)
    // Which of these it is depends on the system.
    const reason = expect.stringMatching(/^(?:EISDIR|ENOTEMPTY|EEXIST|EPERM)$/) as string
    expect(() => replaceFile(folder, 'new', always)).toThrow(
      expect.objectContaining({
        code: 'unwritable',
        message: expect.stringMatching(/^Cannot write .*keys\.yaml: E[A-Z]+$/) as string,
        problems: [],
        cause: expect.objectContaining({ code: reason }) as Error,
      }),
    )
    expect(readdirSync(dirname(folder))).toEqual(['keys.yaml'])
    expect(existsSync(folder)).toBe(true)
  })
})

it.each(['EBUSY', 'EXDEV'])('a file that %s keeps in its place may be mounted alone', (code) => {
  const file = pathOf('keys.yaml')
  vi.spyOn(fs, 'renameSync').mockImplementation(() => {
    throw Object.assign(new Error('no'), { code })
  })
  expect(() => replaceFile(file, 'new', always)).toThrow(
    `Cannot write ${file}: ${code}. If it is mounted alone, mount its folder instead`,
  )
  expect(readdirSync(dirname(file))).toEqual([])
})

describe('a file of another user', () => {
  const ofAnother = (file: string, uidMore = 1, gidMore = 1): void => {
    writeFileSync(file, 'old')
    const { uid, gid } = statSync(file)
    const stats = Object.assign(statSync(file), { uid: uid + uidMore, gid: gid + gidMore })
    vi.spyOn(fs, 'statSync').mockReturnValue(stats)
  }

  it.each([
    ['user', 1, 0],
    ['group', 0, 1],
    ['user and group', 1, 1],
  ])('stays theirs: %s', (_, uidMore, gidMore) => {
    const file = pathOf('keys.yaml')
    ofAnother(file, uidMore, gidMore)
    const { uid, gid } = fs.statSync(file)
    const chown = vi.spyOn(fs, 'fchownSync').mockImplementation(() => undefined)
    replaceFile(file, 'new', always)
    expect(chown).toHaveBeenCalledExactlyOnceWith(expect.any(Number), uid, gid)
  })

  it('is given to nobody if it is ours: some file systems have no owners', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, 'old')
    const chown = vi.spyOn(fs, 'fchownSync')
    replaceFile(file, 'new', always)
    expect(chown).not.toHaveBeenCalled()
  })

  it('is not replaced if it would become ours: its service could no longer read it', () => {
    const file = pathOf('keys.yaml')
    ofAnother(file)
    vi.spyOn(fs, 'fchownSync').mockImplementation(() => {
      throw Object.assign(new Error('no'), { code: 'EPERM' })
    })
    expect(() => replaceFile(file, 'new', always)).toThrow(`Cannot write ${file}: EPERM`)
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml'])
  })
})

it('what is written is on the disk before it has the name, and the name before it is said to be', () => {
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

it('no file stays open, whatever becomes of it', () => {
  const opened = vi.spyOn(fs, 'openSync')
  const closed = vi.spyOn(fs, 'closeSync')
  replaceFile(pathOf('keys.yaml'), 'new', always)
  vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
    throw Object.assign(new Error('no'), { code: 'EIO' })
  })
  expect(() => replaceFile(pathOf('keys.yaml'), 'newer', always)).toThrow('keys.yaml: EIO')
  expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe('new')
  expect(closed.mock.calls).toEqual(opened.mock.results.map(({ value }) => [value]))
  expect(opened).toHaveBeenCalledTimes(3)
})
