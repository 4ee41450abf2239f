import { spawnSync } from 'node:child_process'
import fs, {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { withFileLock } from '../../src/keys/file-lock.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()
const SHORT = { waitMs: 150, staleMs: 5000 }
const AT_ONCE = { waitMs: 0, staleMs: 5000 }
const LOCKED = { code: 'locked' }
const GONE = spawnSync(process.execPath, ['-e', '']).pid

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a lock', () => {
  it('is there while the work is done, and gone afterwards', async () => {
    const file = pathOf('keys.yaml')
    const result = await withFileLock(file, async ({ isHeld }) => {
      const written = JSON.parse(readFileSync(`${file}.lock`, 'utf8')) as object
      expect(written).toMatchObject({ pid: process.pid, host: hostname() })
      expect(isHeld()).toBe(true)
      return 'done'
    })
    expect(result).toBe('done')
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it('is gone after work that failed', async () => {
    const file = pathOf('keys.yaml')
    const failing = withFileLock(file, () => Promise.reject(new Error('bug')))
    await expect(failing).rejects.toThrow('bug')
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it('lets one work at a time', async () => {
    let working = 0
    let most = 0
    const work = async (): Promise<void> => {
      working += 1
      most = Math.max(most, working)
      await new Promise((resolve) => setTimeout(resolve, 2))
      working -= 1
    }
    const file = pathOf('keys.yaml')
    await Promise.all(Array.from({ length: 20 }, () => withFileLock(file, work)))
    expect(most).toBe(1)
  })

  it('is waited for, but not for ever; the error says who has it, and what to remove', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(process.pid))
    const failing = withFileLock(file, async () => 'in', SHORT)
    await expect(failing).rejects.toMatchObject({
      code: 'locked',
      message: `The keys are being changed by process ${process.pid} on ${JSON.stringify(hostname())}. If nobody is at it, remove ${file}.lock and ${file}.lock.break`,
    })
    expect(existsSync(`${file}.lock`)).toBe(true)
  })

  it("that does not say whose it is, is said to be somebody's", async () => {
    const file = pathOf('keys.yaml')
    leave(file, '')
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      message: `The keys are being changed. If nobody is at it, remove ${file}.lock and ${file}.lock.break`,
    })
  })

  it('is not waited for at all where that is wished', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(process.pid))
    vi.useFakeTimers({ toFake: ['Date'] })
    await expect(withFileLock(file, async () => 'in', AT_ONCE)).rejects.toMatchObject(LOCKED)
  })

  it('is waited for ten seconds, and taken over after five, unless told otherwise', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE))
    utimesSync(`${file}.lock`, 1_700_000_000, 1_700_000_000)
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_004_999 })
    const entered = vi.fn()
    const first = withFileLock(file, async () => entered())
    await turns()
    expect(entered).not.toHaveBeenCalled()
    vi.setSystemTime(Date.now() + 1)
    await first
    expect(entered).toHaveBeenCalledOnce()

    leave(file, owner(process.pid))
    const refused = vi.fn()
    const second = withFileLock(file, async () => entered()).catch(refused)
    vi.setSystemTime(Date.now() + 9999)
    await turns()
    expect(refused).not.toHaveBeenCalled()
    vi.setSystemTime(Date.now() + 1)
    await second
    expect(refused).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(LOCKED))
  })

  it('is looked for again after 5 to 25 milliseconds, so that those who wait do not meet', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(process.pid))
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject(LOCKED)
    expect(new Set(timers.mock.calls.map(([, delay]) => delay))).toEqual(new Set([15]))
  })

  it('that cannot be made says why', async () => {
    const file = pathOf('no/such/keys.yaml')
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      code: 'unwritable',
      message: `Cannot create ${file}.lock: its folder does not exist`,
      problems: [],
      cause: expect.objectContaining({ code: 'ENOENT' }) as Error,
    })
  })

  it('that cannot be written is not left behind, and locks nobody out', async () => {
    const file = pathOf('keys.yaml')
    vi.spyOn(fs, 'writeSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('no'), { code: 'ENOSPC' })
    })
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      code: 'unwritable',
      message: `Cannot create ${file}.lock: ENOSPC`,
    })
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it('leaves no file open, whatever becomes of it', async () => {
    const file = pathOf('keys.yaml')
    const opened = vi.spyOn(fs, 'openSync')
    const closed = vi.spyOn(fs, 'closeSync')
    leave(file, owner(GONE), 6000)
    await withFileLock(file, async () => 'in', SHORT)
    vi.spyOn(fs, 'writeSync').mockImplementationOnce(() => {
      throw new Error('no')
    })
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toThrow('Cannot create')
    const handles = opened.mock.results.filter(({ type }) => type === 'return')
    expect(closed.mock.calls).toEqual(handles.map(({ value }) => [value]))
    expect(handles).toHaveLength(3)
  })

  it('that somebody removed and took meanwhile is not held, and stays theirs', async () => {
    const file = pathOf('keys.yaml')
    await withFileLock(file, async ({ isHeld }) => {
      rmSync(`${file}.lock`)
      expect(isHeld()).toBe(false)
      leave(file, owner(process.pid))
      expect(isHeld()).toBe(false)
    })
    expect(existsSync(`${file}.lock`)).toBe(true)
  })
})

describe('a lock that was left behind', () => {
  it.each([
    ['by a process that ended', owner(GONE)],
    ['empty, by one that ended at once', ''],
    ['with half a line', '{"pid":'],
    ['with something else', 'null'],
    ['with no number of a process', JSON.stringify({ host: hostname(), nonce: 'n' })],
    ['with a text for it', JSON.stringify({ pid: '1', host: hostname(), nonce: 'n' })],
    ['with no machine', JSON.stringify({ pid: process.pid, nonce: 'n' })],
    ['with a number for it', JSON.stringify({ pid: process.pid, host: 1, nonce: 'n' })],
    ['with no nonce', JSON.stringify({ pid: process.pid, host: hostname() })],
  ])('%s is taken over', async (_, content) => {
    const file = pathOf('keys.yaml')
    leave(file, content, 6000)
    expect(await withFileLock(file, async () => 'in', SHORT)).toBe('in')
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it.each([
    ['by a process that runs', owner(process.pid), 60_000],
    ['by a process of another machine', owner(GONE, 'elsewhere'), 60_000],
    ['a moment ago', owner(GONE), 1000],
    ['empty, a moment ago', '', 1000],
  ])('%s is not taken over', async (_, content, age) => {
    const file = pathOf('keys.yaml')
    leave(file, content, age)
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      code: 'locked',
    })
  })

  it('is not taken over if it is not known whether its process runs', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('no'), { code: 'EPERM' })
    })
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      code: 'locked',
    })
  })

  it('counts as one from its age on, and not a moment before', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE))
    utimesSync(`${file}.lock`, 1_700_000_000, 1_700_000_000)
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_004_999 })
    await expect(withFileLock(file, async () => 'in', AT_ONCE)).rejects.toMatchObject(LOCKED)
    vi.setSystemTime(1_700_000_005_000)
    expect(await withFileLock(file, async () => 'in', SHORT)).toBe('in')
  })

  it.each([
    ['empty, by one that is about to write it', ''],
    ['by a process that ended', owner(GONE)],
  ])('%s is not taken over if its age is not known', async (_, content) => {
    const file = pathOf('keys.yaml')
    leave(file, content, 6000)
    vi.spyOn(fs, 'statSync').mockImplementation(() => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    })
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject(LOCKED)
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe(content)
  })

  it('is not taken over where this machine has no name, and says that it has one', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    const getBuiltinModule = process.getBuiltinModule.bind(process)
    vi.spyOn(process, 'getBuiltinModule').mockImplementation((id: string) => {
      if (id === 'node:os') throw new Error('not permitted')
      return getBuiltinModule(id)
    })
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject(LOCKED)
    rmSync(`${file}.lock`)
    // One without a name would count as broken off, and be taken over while its owner works.
    const written = await withFileLock(file, async () => readFileSync(`${file}.lock`, 'utf8'))
    expect(JSON.parse(written)).toEqual({
      pid: process.pid,
      host: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      nonce: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    })
  })

  it('is looked at again before it is removed: another may have taken it over just now', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    whenBreaking(() => leave(file, owner(process.pid)))
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject(LOCKED)
    expect(readFileSync(`${file}.lock`, 'utf8')).toBe(owner(process.pid))
    expect(readdirSync(dirname(file))).toEqual(['keys.yaml.lock'])
  })

  it('is taken over also if somebody removes the locks meanwhile', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    whenBreaking(() => rmSync(`${file}.lock.break`))
    expect(await withFileLock(file, async () => 'in', SHORT)).toBe('in')
    expect(readdirSync(dirname(file))).toEqual([])
  })

  it('is the only one that is tried to be taken over', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(process.pid), 60_000)
    const breaking = vi.fn()
    whenBreaking(breaking)
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject(LOCKED)
    expect(breaking).not.toHaveBeenCalled()
  })

  it('is not taken over while somebody else is about to', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    writeFileSync(`${file}.lock.break`, owner(process.pid))
    await expect(withFileLock(file, async () => 'in', SHORT)).rejects.toMatchObject({
      code: 'locked',
    })
    expect(existsSync(`${file}.lock.break`)).toBe(true)
  })

  it('is taken over by one of many, and the others wait for that one', async () => {
    const file = pathOf('keys.yaml')
    leave(file, owner(GONE), 6000)
    let working = 0
    const work = async (): Promise<number> => {
      working += 1
      await new Promise((resolve) => setTimeout(resolve, 2))
      working -= 1
      return working
    }
    const results = await Promise.all(Array.from({ length: 20 }, () => withFileLock(file, work)))
    expect(results).toEqual(results.map(() => 0))
  })
})

/** Does this once somebody has made the lock for removing locks. */
function whenBreaking(react: () => void): void {
  const { openSync } = fs
  vi.spyOn(fs, 'openSync').mockImplementation((path, flags, mode) => {
    const handle = openSync(path, flags, mode)
    if (String(path).endsWith('.break')) react()
    return handle
  })
}

/** Lets those who wait look for the lock a few times. */
function turns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 120))
}

function owner(pid: number | undefined, host = hostname()): string {
  return JSON.stringify({ pid, host, nonce: 'n' })
}

function leave(file: string, content: string, ageMs = 0): void {
  writeFileSync(`${file}.lock`, content)
  const then = (Date.now() - ageMs) / 1000
  utimesSync(`${file}.lock`, then, then)
}
