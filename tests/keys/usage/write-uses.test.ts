import { beforeEach, expect, it, vi } from 'vitest'
import type { KeyStore, StoredKey } from '../../../src/keys.ts'

const KEY: StoredKey = { id: 'k1', principal: 'alice', attributes: {}, sha256: 'a'.repeat(64) }

beforeEach(() => {
  vi.useFakeTimers()
  const timers = process.getBuiltinModule('node:timers')
  vi.spyOn(timers, 'setTimeout').mockImplementation(setTimeout)
  vi.spyOn(timers, 'clearTimeout').mockImplementation(clearTimeout)
  // The module listens for the end of the process when it is loaded.
  vi.resetModules()
})

async function countIn(addUse: NonNullable<KeyStore['addUse']>): Promise<(key: StoredKey) => void> {
  const { observeUse } = await import('../../../src/keys/usage/observer.ts')
  return observeUse({ store: { find: () => KEY, addUse } }, vi.fn())
}

// A slow test of the writer of files shows it for programs that end.
it('the end of a process writes what all recorders have counted', async () => {
  const once = vi.spyOn(process.getBuiltinModule('node:process'), 'once').mockReturnThis()
  const [first, second] = [vi.fn(), vi.fn()]
  const counters = [await countIn(first), await countIn(second)]
  for (const count of counters) count(KEY)
  const calls = once.mock.calls as [string, () => void][]
  expect(calls.map(([name]) => name)).toEqual(['beforeExit', 'exit'])
  for (const [index, [, listener]] of calls.entries()) {
    for (const count of counters) count(KEY)
    listener()
    // Nothing runs after the end, so that SQLite and files must be written at once.
    expect([first, second].map(({ mock }) => mock.calls.length)).toEqual([index + 1, index + 1])
  }
})

it('checks are written at most once a minute, also after `writeUses`', async () => {
  const addUse = vi.fn()
  const count = await countIn(addUse)
  const { writeUses } = await import('../../../src/keys/usage/recorder.ts')
  count(KEY)
  await writeUses()
  count(KEY)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(addUse).toHaveBeenCalledOnce()
  await vi.advanceTimersByTimeAsync(1000)
  expect(addUse).toHaveBeenCalledTimes(2)
})
