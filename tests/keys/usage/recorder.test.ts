import { readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createKeyEndpoint, KeyFileError, keys, reportKeys } from '../../../src/keys.ts'
import { observeUse } from '../../../src/keys/usage/observer.ts'
import { writeUses } from '../../../src/keys/usage/recorder.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { ask, entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeySource, KeyStore, KeyUse, StoredKey } from '../../../src/keys.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 5, 30, 23, 58)
const KEY: StoredKey = { id: 'k1', principal: 'alice', attributes: {}, sha256: 'a'.repeat(64) }

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
  const timers = process.getBuiltinModule('node:timers')
  vi.spyOn(timers, 'setTimeout').mockImplementation(setTimeout)
  vi.spyOn(timers, 'clearTimeout').mockImplementation(clearTimeout)
})
afterEach(async () => {
  await writeUses()
})

function write(...entries: readonly string[]): string {
  const file = pathOf('keys.yaml')
  writeFileSync(file, keysText(...entries))
  return file
}

function useFilesOf(file: string): readonly string[] {
  return readdirSync(dirname(file)).filter((name) => name.startsWith('keys.yaml.usage'))
}

async function checksOf(file: string): Promise<Readonly<Record<string, number | undefined>>> {
  const { keys: found } = await reportKeys(file)
  return Object.fromEntries(found.map(({ id, checks }) => [id, checks?.last30Days]))
}

/** A store that notes what is written. */
function storeWith(addUse: KeyStore['addUse']): Pick<KeyStore, 'find' | 'addUse'> {
  return { find: () => KEY, ...(addUse && { addUse }) }
}

describe('the checks of a file of keys', () => {
  it('are written beside it, never within a request, and at most once a minute', async () => {
    const file = write(entry('k1'), entry('k2'))
    const guard = guardWith(keys({ file }))
    for (let count = 0; count < 3; count += 1) await guard.ask('k1')
    await vi.advanceTimersByTimeAsync(999)
    expect(useFilesOf(file)).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    const [own = ''] = useFilesOf(file)
    expect(own).toMatch(/^keys\.yaml\.usage\.[\da-f]{16}$/)
    expect(statSync(pathOf(own)).mode & 0o777).toBe(0o600)
    expect(await checksOf(file)).toEqual({ k1: 3, k2: 0 })
    await guard.ask('k1')
    await guard.ask('k2')
    await vi.advanceTimersByTimeAsync(58_900)
    expect(await checksOf(file)).toEqual({ k1: 3, k2: 0 })
    await vi.advanceTimersByTimeAsync(1100)
    expect(await checksOf(file)).toEqual({ k1: 4, k2: 1 })
    expect(useFilesOf(file)).toEqual([own])
    const { keys: found } = await reportKeys(file)
    expect(found).toMatchObject([{ lastUsed: '2026-06-30T23:58:01Z' }, {}])
  })

  it('count only for keys that pass', async () => {
    const file = write(
      entry('k1', { paths: ['/v1'] }),
      entry('revoked', { revoked: true }),
      entry('ended', { expires: '2026-01-01' }),
    )
    const guard = guardWith(keys({ file }))
    for (const token of ['k1', 'revoked', 'ended', 'made-up']) await guard.ask(token, '/admin')
    await writeUses()
    expect(useFilesOf(file)).toEqual([])
    await guard.ask('k1', '/v1')
    await writeUses()
    expect(await checksOf(file)).toEqual({ k1: 1, revoked: 0, ended: 0 })
  })

  it('count for the day in UTC on which they were made', async () => {
    const file = write(entry('k1'))
    const endpoint = createKeyEndpoint({ file })
    await endpoint(ask('k1'))
    vi.setSystemTime(NOW + 120_000)
    await endpoint(ask('k1'))
    await endpoint(ask('k1'))
    // The clock is set back.
    vi.setSystemTime(NOW)
    await endpoint(ask('k1'))
    await writeUses()
    vi.setSystemTime(NOW + 120_000)
    const days = (await reportKeys(file)).keys[0]?.checks?.days.slice(-2)
    expect(days).toEqual([
      { day: '2026-06-30', checks: 2 },
      { day: '2026-07-01', checks: 2 },
    ])
  })

  it('begin another file after half an hour, and add that of an ended process to the common one', async () => {
    const file = write(entry('k1'), entry('k2'))
    const endpoint = createKeyEndpoint({ file })
    const countOnce = async (): Promise<void> => {
      await endpoint(ask('k1'))
      await writeUses()
    }
    const gone = { id: 'gone', day: '2026-06-30', checks: 1, lastUsed: '2026-06-30T00:00:00Z' }
    const ended = `${file}.usage.00000000000000aa`
    writeFileSync(
      ended,
      JSON.stringify({ uses: [gone, { ...gone, id: 'k2', checks: 7 }], merged: [] }),
    )
    utimesSync(ended, NOW / 1000, NOW / 1000)
    vi.setSystemTime(NOW + 31 * 60_000)
    await countOnce()
    await countOnce()
    expect(useFilesOf(file)).toHaveLength(2)
    vi.setSystemTime(NOW + 62 * 60_000)
    await countOnce()
    await vi.waitFor(() => expect(useFilesOf(file)).toHaveLength(3), 10_000)
    expect(useFilesOf(file)).not.toContain(basename(ended))
    expect(await checksOf(file)).toEqual({ k1: 3, k2: 7 })
    const common = readFileSync(`${file}.usage`, 'utf8')
    expect(JSON.parse(common)).toMatchObject({ uses: [{ id: 'k2' }] })
    expect(statSync(`${file}.usage`).mode & 0o777).toBe(0o600)
  })

  it('are in one file, also if a configuration is read again', async () => {
    const file = write(entry('k1'))
    for (const endpoint of [createKeyEndpoint({ file }), createKeyEndpoint({ file })]) {
      await endpoint(ask('k1'))
    }
    await writeUses()
    expect(useFilesOf(file)).toHaveLength(1)
    expect(await checksOf(file)).toEqual({ k1: 2 })
  })

  it('are counted beside a broken common file, which is told', async () => {
    const file = write(entry('k1'))
    writeFileSync(`${file}.usage`, '{')
    const ended = `${file}.usage.00000000000000aa`
    writeFileSync(ended, '{}')
    utimesSync(ended, 0, 0)
    const onWarning = vi.fn()
    await createKeyEndpoint({ file }, { onWarning })(ask('k1'))
    await writeUses()
    await vi.waitFor(() => expect(onWarning).toHaveBeenCalledOnce(), 10_000)
    expect(onWarning.mock.calls.flat()).toEqual([
      `${file}.usage does not hold the use of keys. Remove it: the counts in it are lost`,
    ])
  })

  it('are kept while the folder is away, which rejects nobody and is told once', async () => {
    const file = write(entry('k1'))
    const onWarning = vi.fn()
    const endpoint = createKeyEndpoint({ file }, { onWarning })
    await endpoint(ask('k1'))
    const folder = dirname(file)
    renameSync(folder, `${folder}-away`)
    await writeUses()
    await vi.advanceTimersByTimeAsync(60_000)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onWarning).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(
        /^checks of keys cannot be written now: Cannot write .*keys\.yaml\.usage: ENOENT$/,
      ),
    )
    renameSync(`${folder}-away`, folder)
    expect((await endpoint(ask('k1'))).status).toBe(200)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await checksOf(file)).toEqual({ k1: 2 })
  })
})

describe('the checks of a store', () => {
  it('are written for all keys at once', async () => {
    const addUse = vi.fn()
    const note = observeUse({ store: storeWith(addUse) }, vi.fn())
    for (const id of ['a', 'b', 'a']) note({ ...KEY, id })
    await vi.advanceTimersByTimeAsync(1000)
    const day = { day: '2026-06-30', lastUsed: '2026-06-30T23:58:00Z' }
    expect(addUse).toHaveBeenCalledExactlyOnceWith([
      { id: 'a', checks: 2, ...day },
      { id: 'b', checks: 1, ...day },
    ])
  })

  it('reject nobody if they cannot be written, and are written with the next', async () => {
    const written: (readonly KeyUse[])[] = []
    const addUse = vi
      .fn<NonNullable<KeyStore['addUse']>>((uses) => void written.push(uses))
      .mockRejectedValueOnce(new KeyFileError('database', 'Cannot use the database: ECONNREFUSED'))
    const onWarning = vi.fn()
    const endpoint = createKeyEndpoint(
      { store: { ...storeWith(addUse), find: (sha256) => ({ ...KEY, sha256 }) } },
      { onWarning },
    )
    expect((await endpoint(ask('k1'))).status).toBe(200)
    await vi.advanceTimersByTimeAsync(1000)
    expect((await endpoint(ask('k1'))).status).toBe(200)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(written.flat()).toMatchObject([{ id: 'k1', checks: 2 }])
    expect(onWarning).toHaveBeenCalledExactlyOnceWith(
      'checks of keys cannot be written now: Cannot use the database: ECONNREFUSED',
    )
  })

  it('are not counted twice after a write whose end is unknown', async () => {
    const written: (readonly KeyUse[])[] = []
    const addUse = vi.fn<NonNullable<KeyStore['addUse']>>(async (uses) => {
      written.push(uses)
      await new Promise((resolve) => setTimeout(resolve, 900))
      throw new KeyFileError('database', 'Cannot use the database: it did not answer in time')
    })
    const note = observeUse({ store: storeWith(addUse) }, vi.fn())
    note(KEY)
    await vi.advanceTimersByTimeAsync(3000)
    note(KEY)
    await vi.advanceTimersByTimeAsync(62_000)
    expect(written.flat().map(({ checks }) => checks)).toEqual([1, 1])
  })

  it.each([
    'its user lacks a right on the table withauth_key_use',
    'attempt to write a readonly database',
    'Cannot write x: EROFS',
  ])('are off for an hour without the right to write, which is told once: %s', async (reason) => {
    const addUse = vi.fn().mockRejectedValue(new KeyFileError('database', reason))
    const warned = vi.fn()
    const note = observeUse({ store: storeWith(addUse) }, warned)
    for (let minute = 0; minute < 65; minute += 1) {
      note(KEY)
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(addUse).toHaveBeenCalledTimes(2)
    expect(warned).toHaveBeenCalledExactlyOnceWith(`checks of keys are not counted: ${reason}`)
  })

  it('are written when `writeUses` ends, also if their write was under way', async () => {
    let isWritten = false
    const addUse = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 400))
      isWritten = true
    }
    observeUse({ store: storeWith(addUse) }, vi.fn())(KEY)
    await vi.advanceTimersByTimeAsync(1000)
    const ended = writeUses().then(() => isWritten)
    await vi.advanceTimersByTimeAsync(400)
    expect(await ended).toBe(true)
  })

  it.each<[string, KeySource, object | undefined]>([
    ['a text', { text: keysText(entry('k1')) }, process],
    ['a store without `addUse`', { store: storeWith(undefined) }, process],
    ['a runtime without the modules of Node', { store: storeWith(vi.fn()) }, undefined],
  ])('are not counted for %s', (_, source, runtime) => {
    vi.stubGlobal('process', runtime)
    try {
      expect(() => observeUse(source, vi.fn())(KEY)).not.toThrow()
    } finally {
      vi.unstubAllGlobals()
    }
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are off or late with a reason, also if that is not an Error', async () => {
    const warned = vi.fn()
    const addUse = vi
      .fn()
      .mockRejectedValueOnce('s3cret')
      .mockReturnValue(new Promise(() => {}))
    const note = observeUse({ store: storeWith(addUse) }, warned)
    note(KEY)
    await vi.advanceTimersByTimeAsync(66_000)
    expect(warned.mock.calls.flat()).toEqual([
      'checks of keys cannot be written now: unknown',
      'checks of keys cannot be written now: the store did not answer in time',
    ])
  })

  it('take a bounded memory', async () => {
    const addUse = vi.fn()
    const note = observeUse({ store: storeWith(addUse) }, vi.fn())
    for (let index = 0; index < 50_010; index += 1) note({ ...KEY, id: `k${index}` })
    note({ ...KEY, id: 'k0' })
    await writeUses()
    const [[uses]] = addUse.mock.calls as [[readonly KeyUse[]]]
    expect([uses.length, uses[0]?.checks]).toEqual([50_000, 2])
  })
})

describe('the end of a key in use', () => {
  const DAY = 86_400_000
  const at = (ms: number): string => new Date(NOW + ms).toISOString()

  it('is warned of 14 days and one day before, once each', async () => {
    const file = write(entry('k1', { expires: at(15 * DAY) }))
    const guard = guardWith(keys({ file }))
    for (let day = 0; day < 15; day += 1) {
      await guard.ask('k1')
      await guard.ask('k1')
      vi.setSystemTime(Date.now() + DAY)
    }
    const expires = at(15 * DAY)
    const advice = 'rotate it by "with-auth keys rotate"'
    expect(guard.warnings()).toEqual([
      `the key k1 is in use and expires within 14 days, at ${expires}: ${advice}`,
      `the key k1 is in use and expires within one day, at ${expires}: ${advice}`,
    ])
  })

  it('is warned of once if the day before has begun, and names the successor', () => {
    const warned = vi.fn()
    const note = observeUse({ text: 'keys: []' }, warned)
    const key = { ...KEY, expires: at(DAY), successor: 'k2' }
    note(key)
    note(key)
    expect(warned).toHaveBeenCalledExactlyOnceWith(
      `the key k1 is in use and expires within one day, at ${at(DAY)}: its callers do not use its successor k2 yet`,
    )
  })

  it('is warned of for each key, and for none that ends later', () => {
    const warned = vi.fn()
    const note = observeUse({ text: 'keys: []' }, warned)
    note({ ...KEY, expires: at(15 * DAY) })
    expect(warned).not.toHaveBeenCalled()
    for (const id of ['k1', 'k2']) note({ ...KEY, id, expires: at(14 * DAY) })
    expect(warned).toHaveBeenCalledTimes(2)
  })

  it('changes no verdict if the warning throws', () => {
    const note = observeUse({ text: 'keys: []' }, () => {
      throw new Error('no')
    })
    expect(() => note({ ...KEY, expires: at(1) })).not.toThrow()
  })
})
