import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import fs from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { watchFile } from '../../../src/keys/file/watch.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Keyring } from '../../../src/keys/keyring.ts'

const pathOf = setupFolder()
const ONE = keysText(entry('a'))
const REVOKED = keysText(entry('a', { revoked: true }))
const LATER_MS = 60_000
const LONG_AGO = 1_000_000_000

afterEach(() => vi.restoreAllMocks())

const stateOf = (keyring: Keyring): unknown[] =>
  [...keyring.values()].map(({ id, revoked }) => [id, revoked])
const nameIn = (keyring: Keyring): unknown => [...keyring.values()].at(0)?.principal

describe('a change counts with the next question', () => {
  it.each<[string, (file: string) => void]>([
    ['that is written over', (file) => writeFileSync(file, REVOKED)],
    [
      'that is replaced',
      (file) => {
        writeFileSync(`${file}.new`, REVOKED)
        renameSync(`${file}.new`, file)
      },
    ],
    [
      'that is replaced by one with the same time and size',
      (file) => {
        const { size } = statSync(file)
        writeFileSync(`${file}.new`, REVOKED.padEnd(size))
        utimesSync(`${file}.new`, LONG_AGO, LONG_AGO)
        renameSync(`${file}.new`, file)
        expect(statSync(file)).toMatchObject({ size, mtimeMs: LONG_AGO * 1000 })
      },
    ],
  ])('%s', (_, change) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE.padEnd(500))
    utimesSync(file, LONG_AGO, LONG_AGO)
    const current = watchFile(file, throwIt, () => Date.now() + LATER_MS)
    expect(stateOf(current())).toEqual([['a', undefined]])
    change(file)
    expect(stateOf(current())).toEqual([['a', true]])
  })

  it.each(['ino', 'dev', 'size', 'mtimeMs', 'ctimeMs', 'nlink'] as const)(
    'also where the system tells of no other difference than in %s',
    (fact) => {
      const file = pathOf('keys.yaml')
      writeFileSync(file, ONE)
      const stats = statSync(file)
      const told = vi.spyOn(fs, 'statSync').mockReturnValue(stats)
      const current = watchFile(file, throwIt, () => Date.now() + LATER_MS)
      expect(stateOf(current())).toEqual([['a', undefined]])
      writeFileSync(file, REVOKED)
      told.mockReturnValue(Object.assign(Object.create(stats), { [fact]: stats[fact] + 1 }))
      expect(stateOf(current())).toEqual([['a', true]])
    },
  )

  it('also in the same moment, with the same size, where the system tells no difference', () => {
    const file = pathOf('keys.yaml')
    const [before, after] = ['a', 'b'].map((principal) => keysText(entry('k', { principal })))
    writeFileSync(file, before ?? '')
    const still = statSync(file)
    vi.spyOn(fs, 'statSync').mockImplementation(() => still)
    const current = watchFile(file, throwIt)
    expect(nameIn(current())).toBe('a')
    writeFileSync(file, after ?? '')
    expect(nameIn(current())).toBe('b')
  })
})

describe('a file that does not change', () => {
  it('is read once, after it has been still for two seconds', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE)
    const { mtimeMs } = statSync(file)
    let now = mtimeMs + 1000
    const read = vi.spyOn(fs, 'openSync')
    const current = watchFile(file, throwIt, () => now)
    const first = current()
    current()
    expect(read).toHaveBeenCalledTimes(2)
    now = mtimeMs + 5000
    expect(current()).toBe(first)
    expect(read).toHaveBeenCalledTimes(3)
    current()
    current()
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('is still from two seconds on, and not a moment before', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE)
    const { mtimeMs, ctimeMs } = statSync(file)
    let now = Math.max(mtimeMs, ctimeMs) + 1999
    const read = vi.spyOn(fs, 'openSync')
    const current = watchFile(file, throwIt, () => now)
    current()
    current()
    expect(read).toHaveBeenCalledTimes(2)
    now = Math.max(mtimeMs, ctimeMs) + 2000
    current()
    current()
    expect(read).toHaveBeenCalledTimes(3)
  })

  it.each([
    ['its content was written long ago, and its name or mode just now', LONG_AGO * 1000, 5000],
    ['its content was written just now, and its clock was set back', 5000, LONG_AGO * 1000],
  ])('is not still if %s', (_, mtimeAgo, ctimeAgo) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE)
    const now = Date.now()
    const times = { mtimeMs: now - mtimeAgo + 4000, ctimeMs: now - ctimeAgo + 4000 }
    const stats = Object.assign(statSync(file), times)
    vi.spyOn(fs, 'statSync').mockReturnValue(stats)
    const current = watchFile(file, throwIt, () => now)
    expect(stateOf(current())).toEqual([['a', undefined]])
    writeFileSync(file, REVOKED)
    expect(stateOf(current())).toEqual([['a', true]])
  })

  it('is read each time if its time is to come: nothing can be told by it', () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE)
    utimesSync(file, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600)
    const read = vi.spyOn(fs, 'openSync')
    const current = watchFile(file, throwIt)
    for (let times = 0; times < 3; times += 1) current()
    expect(read).toHaveBeenCalledTimes(3)
  })
})

describe('while the keys are not known, nobody gets older ones', () => {
  it.each<[string, (file: string) => void, string]>([
    ['broken', (file) => writeFileSync(file, `${ONE}  - id: b`), 'malformed'],
    ['empty', (file) => writeFileSync(file, ''), 'malformed'],
    ['cut', (file) => writeFileSync(file, REVOKED.slice(0, -20)), 'malformed'],
    ['gone', (file) => rmSync(file), 'not_found'],
    ['too long', (file) => writeFileSync(file, Buffer.alloc(5_000_000, '#')), 'unreadable'],
  ])('the file is %s', (_, spoil, code) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, ONE)
    const onError = vi.fn()
    const current = watchFile(file, onError, () => Date.now() + LATER_MS)
    current()
    spoil(file)
    for (let times = 0; times < 3; times += 1) {
      expect(current).toThrow(expect.objectContaining({ code }))
    }
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code }))
    writeFileSync(file, REVOKED)
    expect(stateOf(current())).toEqual([['a', true]])
    spoil(file)
    expect(current).toThrow(expect.objectContaining({ code }))
    expect(onError).toHaveBeenCalledTimes(2)
  })

  it.each<[string, () => unknown]>([
    ['throws', throwIt],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ])('and an observer that %s changes nothing', async (_, onError) => {
    const current = watchFile(pathOf('none.yaml'), onError)
    expect(current).toThrow(expect.objectContaining({ code: 'not_found' }))
    await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

it('what goes wrong without being foreseen is an error, and never keys', () => {
  const file = pathOf('keys.yaml')
  writeFileSync(file, ONE)
  const onError = vi.fn()
  const current = watchFile(file, onError, () => Date.now() + LATER_MS)
  vi.spyOn(fs, 'statSync').mockImplementation(() => {
    throw new RangeError('bug')
  })
  const failure = { code: 'unreadable', message: `Cannot read ${file}: RangeError` }
  for (let times = 0; times < 2; times += 1) {
    expect(current).toThrow(expect.objectContaining(failure))
  }
  expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(failure))
  vi.restoreAllMocks()
  expect(stateOf(current())).toEqual([['a', undefined]])
})

it('a broken file is not parsed again with every question', () => {
  const file = pathOf('keys.yaml')
  writeFileSync(file, 'keys: [')
  const read = vi.spyOn(fs, 'openSync')
  const current = watchFile(
    file,
    () => undefined,
    () => Date.now() + LATER_MS,
  )
  for (let times = 0; times < 5; times += 1) expect(current).toThrow('not valid YAML')
  expect(read).toHaveBeenCalledTimes(1)
})

function throwIt(): never {
  throw new Error('bug')
}
