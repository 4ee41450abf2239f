import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { withFileLock } from '../../src/keys/file-lock.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()
const SHORT = { waitMs: 150, staleMs: 5000 }
const GONE = spawnSync(process.execPath, ['-e', '']).pid

afterEach(() => vi.restoreAllMocks())

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

  it('that cannot be made says why', async () => {
    const failing = withFileLock(pathOf('no/such/keys.yaml'), async () => 'in', SHORT)
    await expect(failing).rejects.toMatchObject({
      code: 'unwritable',
      message: expect.stringContaining('ENOENT') as string,
    })
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
    ['with something else', '{"pid":"1"}'],
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

function owner(pid: number | undefined, host = hostname()): string {
  return JSON.stringify({ pid, host, nonce: 'n' })
}

function leave(file: string, content: string, ageMs = 0): void {
  writeFileSync(`${file}.lock`, content)
  const then = (Date.now() - ageMs) / 1000
  utimesSync(`${file}.lock`, then, then)
}
