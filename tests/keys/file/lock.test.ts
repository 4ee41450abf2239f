import fs, { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it, vi } from 'vitest'
import { withFileLock } from '../../../src/keys/file/lock.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()

it('the lock exists only during the work', async () => {
  const file = pathOf('keys.yaml')
  const mode = await withFileLock(file, () => statSync(`${file}.lock`).mode & 0o777)
  expect(mode.toString(8)).toBe('600')
  const failing = withFileLock(file, () => {
    throw new Error('bug')
  })
  await expect(failing).rejects.toThrow('bug')
  expect(readdirSync(dirname(file))).toEqual([])
})

it('leaves the lock of another process, after a person removed its own', async () => {
  const file = pathOf('keys.yaml')
  await withFileLock(file, () => {
    // The other file exists before its own goes, so that it cannot get the same number.
    writeFileSync(`${file}.other`, 'other')
    fs.renameSync(`${file}.other`, `${file}.lock`)
  })
  expect(readFileSync(`${file}.lock`, 'utf8')).toBe('other')
  fs.rmSync(`${file}.lock`)
})

it('a person may remove the lock during the work', async () => {
  const file = pathOf('keys.yaml')
  const work = (): string => {
    fs.rmSync(`${file}.lock`)
    return 'done'
  }
  expect(await withFileLock(file, work)).toBe('done')
})

it('a lock of another process is waited for, and never removed', async () => {
  const file = pathOf('keys.yaml')
  writeFileSync(`${file}.lock`, '')
  const waiting = withFileLock(file, () => 'in')
  fs.rmSync(`${file}.lock`)
  expect(await waiting).toBe('in')
})

it('waits for ten seconds, in steps of 5 to 25 milliseconds, and then names the lock', async () => {
  const file = pathOf('keys.yaml')
  writeFileSync(`${file}.lock`, '')
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.useFakeTimers({ now: 0 })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const [work, failed] = [vi.fn(), vi.fn()]
  const waiting = withFileLock(file, work).catch(failed)
  await vi.advanceTimersByTimeAsync(9999)
  expect(failed).not.toHaveBeenCalled()
  // It moves the fake clock. On a busy machine a try ends late, and so begins its pause late.
  await vi.waitFor(() => expect(failed).toHaveBeenCalled(), { interval: 15, timeout: 10_000 })
  await waiting
  expect(Date.now()).toBeLessThan(11_000)
  const message = `The file is locked: ${file}.lock exists. If no process is changing the keys, remove ${file}.lock`
  expect(failed).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ code: 'locked', message }),
  )
  expect(work).not.toHaveBeenCalled()
  expect(existsSync(`${file}.lock`)).toBe(true)
  // Node 26 and the test runner set timers of their own.
  const pauses = timers.mock.calls.filter(([, delay]) => delay === 15)
  expect(pauses.length).toBeGreaterThan(600)
})

it('an error says why the lock cannot be created', async () => {
  const file = pathOf('no/such/keys.yaml')
  await expect(withFileLock(file, () => 'in')).rejects.toMatchObject({
    code: 'unwritable',
    message: `Cannot create ${file}.lock: its folder does not exist`,
    problems: [],
    cause: expect.objectContaining({ code: 'ENOENT' }) as Error,
  })
  for (const [code, reason] of [
    ['EACCES', 'this user may not write to its folder (EACCES)'],
    ['ENOSPC', 'ENOSPC'],
  ]) {
    vi.spyOn(fs, 'openSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('no'), { code })
    })
    const locked = withFileLock(pathOf('keys.yaml'), () => 'in')
    await expect(locked).rejects.toMatchObject({
      message: `Cannot create ${pathOf('keys.yaml')}.lock: ${reason}`,
    })
  }
})

it('closes the lock that it creates', async () => {
  const opened = vi.spyOn(fs, 'openSync')
  const closed = vi.spyOn(fs, 'closeSync')
  await withFileLock(pathOf('keys.yaml'), () => 'in')
  expect(closed.mock.calls).toEqual(opened.mock.results.map(({ value }) => [value]))
})
