import fs, { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { followFile } from '../../../src/keys/file/watch.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Keyring } from '../../../src/keys/keyring.ts'

const pathOf = setupFolder()
const ONE = keysText(entry('a'))
const REVOKED = keysText(entry('a', { revoked: true }))
const LONG_AGO = 1_000_000_000

// The last change of a file is long ago, unless a test sets the time.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 }))

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

function isRevoked(keyring: Keyring): boolean[] {
  return [...keyring.values()].map(({ revoked }) => revoked === true)
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  utimesSync(`${file}.new`, LONG_AGO, LONG_AGO)
  renameSync(`${file}.new`, file)
}

describe('a change counts at the next call', () => {
  it.each<[string, (file: string) => void]>([
    ['overwritten', () => write(REVOKED)],
    ['replaced', (file) => replace(file, REVOKED)],
    [
      'replaced by a file with the same time and size',
      (file) => replace(file, REVOKED.padEnd(statSync(file).size)),
    ],
  ])('%s', (_, change) => {
    const file = write(ONE.padEnd(500))
    utimesSync(file, LONG_AGO, LONG_AGO)
    const current = followFile(file)
    expect(isRevoked(current())).toEqual([false])
    change(file)
    expect(isRevoked(current())).toEqual([true])
  })

  it.each(['ino', 'dev', 'size', 'mtimeMs', 'ctimeMs', 'nlink'] as const)(
    'if only "%s" differs',
    (sign) => {
      const file = write(ONE)
      const stats = statSync(file)
      const mocked = vi.spyOn(fs, 'statSync').mockReturnValue(stats)
      const current = followFile(file)
      expect(isRevoked(current())).toEqual([false])
      write(REVOKED)
      mocked.mockReturnValue(Object.assign(Object.create(stats), { [sign]: stats[sign] + 1 }))
      expect(isRevoked(current())).toEqual([true])
    },
  )

  it('if nothing differs, within two seconds after another change', () => {
    const [before = '', after = ''] = ['a', 'b'].map((principal) =>
      keysText(entry('k', { principal })),
    )
    const file = write(before)
    const stats = statSync(file)
    vi.spyOn(fs, 'statSync').mockImplementation(() => stats)
    vi.useRealTimers()
    const current = followFile(file)
    expect([...current().values()]).toMatchObject([{ principal: 'a' }])
    write(after)
    expect([...current().values()]).toMatchObject([{ principal: 'b' }])
  })

  it.each([
    ['mode', LONG_AGO * 1000, 1000],
    ['clock', 1000, LONG_AGO * 1000],
  ])('if only the %s changed within two seconds', (_, mtimeAgo, ctimeAgo) => {
    const file = write(ONE)
    const now = Date.now()
    const times = { mtimeMs: now - mtimeAgo, ctimeMs: now - ctimeAgo }
    vi.spyOn(fs, 'statSync').mockReturnValue(Object.assign(statSync(file), times))
    const current = followFile(file)
    expect(isRevoked(current())).toEqual([false])
    write(REVOKED)
    expect(isRevoked(current())).toEqual([true])
  })
})

describe('a file without changes', () => {
  it('is read at each call for two seconds, then once more', () => {
    const file = write(ONE)
    const { mtimeMs, ctimeMs } = statSync(file)
    const changedAt = Math.ceil(Math.max(mtimeMs, ctimeMs))
    vi.setSystemTime(changedAt + 1998)
    const read = vi.spyOn(fs, 'openSync')
    const current = followFile(file)
    const first = current()
    current()
    expect(read).toHaveBeenCalledTimes(2)
    vi.setSystemTime(changedAt + 2000)
    for (let times = 0; times < 3; times += 1) expect(current()).toBe(first)
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('is read at each call if its time is in the future', () => {
    const file = write(ONE)
    utimesSync(file, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600)
    const read = vi.spyOn(fs, 'openSync')
    vi.useRealTimers()
    const current = followFile(file)
    for (let times = 0; times < 3; times += 1) current()
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('is read once, even if it is broken', () => {
    const read = vi.spyOn(fs, 'openSync')
    const current = followFile(write('keys: ['))
    read.mockClear()
    for (let times = 0; times < 5; times += 1) expect(current).toThrow('Invalid YAML')
    expect(read).toHaveBeenCalledTimes(1)
  })
})
