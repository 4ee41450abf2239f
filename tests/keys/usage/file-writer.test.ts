import { execFile } from 'node:child_process'
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { reportKeys } from '../../../src/keys.ts'
import { createFileWriter, mergeUseFiles } from '../../../src/keys/usage/file-writer.ts'
import { ensureBuilt } from '../../support/built-package.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyUse } from '../../../src/keys.ts'

const pathOf = setupFolder()
const COUNTER = join(import.meta.dirname, '../programs/key-counter.js')
const run = promisify(execFile)
const LONG_AGO = Date.now() / 1000 - 7200

function write(name = 'keys.yaml'): string {
  writeFileSync(pathOf(name), keysText(entry('k1')))
  return pathOf(name)
}

const fail = (message: string): void => expect.fail(message)

function use(checks: number): KeyUse {
  const lastUsed = new Date().toISOString()
  return { id: 'k1', day: lastUsed.slice(0, 10), checks, lastUsed }
}

function writeUse(path: string, checks: number, merged: readonly string[] = []): void {
  writeFileSync(path, JSON.stringify({ uses: [use(checks)], merged }))
}

/** The file of a process that ended long ago. */
function writeEnded(file: string, id: string, checks: number): string {
  const own = `${file}.usage.${id}`
  writeUse(own, checks)
  utimesSync(own, LONG_AGO, LONG_AGO)
  return own
}

async function checksOf(file: string): Promise<number | undefined> {
  return (await reportKeys(file)).keys[0]?.checks?.today
}

function ownFilesOf(file: string): readonly string[] {
  const found = readdirSync(dirname(file)).filter((name) => /\.usage\.[\da-f]{16}$/.test(name))
  return found.map((name) => join(dirname(file), name))
}

describe('processes that count', { tags: ['slow'] }, () => {
  beforeAll(() => ensureBuilt(), 60_000)

  it('at once lose no check, also while they add the files of ended ones to the common file', async () => {
    const file = write()
    const count = (checks: number, stayMs = 0): Promise<unknown> =>
      run(process.execPath, [COUNTER, file, 'k1', String(checks), String(stayMs)])
    await Promise.all([25, 26, 27, 28].map((checks) => count(checks)))
    expect(ownFilesOf(file)).toHaveLength(4)
    expect(await checksOf(file)).toBe(106)
    for (const path of ownFilesOf(file)) utimesSync(path, LONG_AGO, LONG_AGO)
    // One that ends at once writes, and leaves no lock behind.
    await count(1)
    expect(ownFilesOf(file)).toHaveLength(5)
    expect(existsSync(`${file}.usage.lock`)).toBe(false)
    await Promise.all([10, 11, 12].map((checks) => count(checks, 1500)))
    expect(await checksOf(file)).toBe(140)
    expect(ownFilesOf(file)).toHaveLength(4)
    expect(existsSync(`${file}.usage.lock`)).toBe(false)
  })

  it('write what they counted when they end, also by `process.exit()`, and wait for a database', async () => {
    const file = write()
    await run(process.execPath, [COUNTER, file, 'k1', '2', '0', 'exit'])
    expect(await checksOf(file)).toBe(2)
    const { stdout } = await run(process.execPath, [COUNTER, '', 'k1', '3'])
    expect(stdout).toBe('3\n')
  })
})

describe('files of ended processes', () => {
  it('are added once by two that do it at once', async () => {
    const file = write()
    for (const id of ['1', '2', '3']) writeEnded(file, id.repeat(16), 5)
    await Promise.all([1, 2, 3].map(() => mergeUseFiles(file, `${file}.usage`)))
    expect(ownFilesOf(file)).toEqual([])
    expect(await checksOf(file)).toBe(15)
  })

  it('count once if a process was killed before it removed them', async () => {
    const file = write()
    const [id, other] = ['1'.repeat(16), '2'.repeat(16)]
    writeUse(`${file}.usage`, 5, [id])
    writeUse(`${file}.usage.${id}`, 5)
    writeUse(`${file}.usage.${other}`, 1)
    expect(await checksOf(file)).toBe(6)
    utimesSync(`${file}.usage.${id}`, LONG_AGO, LONG_AGO)
    await mergeUseFiles(file, `${file}.usage`)
    expect(ownFilesOf(file)).toEqual([`${file}.usage.${other}`])
    expect(await checksOf(file)).toBe(6)
  })

  it('are named by the common file only while they are there', async () => {
    const file = write()
    const [gone, fresh, ended] = ['1'.repeat(16), '2'.repeat(16), '3'.repeat(16)]
    writeUse(`${file}.usage`, 5, [gone, fresh])
    writeUse(`${file}.usage.${fresh}`, 5)
    writeEnded(file, ended, 1)
    await mergeUseFiles(file, `${file}.usage`)
    const { merged } = JSON.parse(readFileSync(`${file}.usage`, 'utf8')) as { merged: unknown }
    expect(merged).toEqual([fresh, ended])
    expect(await checksOf(file)).toBe(6)
  })

  it('may go while they are looked at', async () => {
    const file = write()
    writeUse(`${file}.usage`, 5)
    const fs = process.getBuiltinModule('node:fs')
    const names = [...readdirSync(dirname(file)), `keys.yaml.usage.${'1'.repeat(16)}`]
    const spy = vi.spyOn(fs, 'readdirSync').mockReturnValue(names as never)
    onTestFinished(() => spy.mockRestore())
    expect(await checksOf(file)).toBe(5)
    await mergeUseFiles(file, `${file}.usage`)
    expect(await checksOf(file)).toBe(5)
  })

  it('may go while they are added', async () => {
    const file = write()
    writeUse(`${file}.usage`, 5)
    const own = writeEnded(file, '1'.repeat(16), 1)
    writeEnded(file, '2'.repeat(16), 2)
    const fs = process.getBuiltinModule('node:fs')
    const open = fs.openSync
    vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
      if (path === `${file}.usage`) rmSync(own, { force: true })
      return open(path, ...rest)
    })
    await mergeUseFiles(file, `${file}.usage`)
    expect([ownFilesOf(file), await checksOf(file)]).toEqual([[], 7])
  })

  it('are left alone while another process is at work, or the common file is broken', async () => {
    const file = write()
    const own = writeEnded(file, '1'.repeat(16), 5)
    writeFileSync(`${file}.usage`, '{')
    await expect(mergeUseFiles(file, `${file}.usage`)).rejects.toThrow('Remove it')
    expect(readFileSync(`${file}.usage`, 'utf8')).toBe('{')
    expect(existsSync(own)).toBe(true)
  })

  it('keep the use of every key while the keys are broken', async () => {
    const file = write()
    writeEnded(file, '1'.repeat(16), 5)
    writeFileSync(file, 'keys: [')
    await mergeUseFiles(file, `${file}.usage`)
    const common: unknown = JSON.parse(readFileSync(`${file}.usage`, 'utf8'))
    expect(common).toMatchObject({ uses: [{ id: 'k1', checks: 5 }], merged: ['1'.repeat(16)] })
    writeFileSync(file, keysText(entry('k1')))
    expect(await checksOf(file)).toBe(5)
  })
})

it('a process whose file was added to the common one counts on in another', async () => {
  const file = write()
  const add = createFileWriter(file, fail)
  await add([use(1)])
  await add([use(1)])
  const [own = ''] = ownFilesOf(file)
  expect(ownFilesOf(file)).toHaveLength(1)
  utimesSync(own, LONG_AGO, LONG_AGO)
  await mergeUseFiles(file, `${file}.usage`)
  await add([use(1)])
  expect(ownFilesOf(file)).not.toContain(own)
  expect(await checksOf(file)).toBe(3)
})

it('each day has a file of its own, so that a write stays short', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 30, 23, 50), toFake: ['Date'] })
  const file = write()
  const add = createFileWriter(file, fail)
  await add([use(1)])
  vi.setSystemTime(Date.UTC(2026, 6, 1, 0, 10))
  await add([use(2)])
  const held = ownFilesOf(file).map((path) => readFileSync(path, 'utf8'))
  expect(held.map((text) => text.match(/"id"/g)?.length)).toEqual([1, 1])
})

it('keeps five weeks of days, and the last day of each key', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 30, 12), toFake: ['Date'] })
  const file = write()
  const useOn = (id: string, day: string, time = '12:00:00Z'): KeyUse => {
    return { id, day, checks: 1, lastUsed: `${day}T${time}` }
  }
  await createFileWriter(
    file,
    fail,
  )([
    useOn('k1', '2026-05-25'),
    useOn('k1', '2026-05-26', '13:00:00Z'),
    useOn('k1', '2026-05-26'),
    useOn('k1', '2026-06-30'),
    useOn('old', '2025-01-02'),
    useOn('old', '2025-01-03'),
    useOn('old', '2025-01-01'),
  ])
  const [own = ''] = ownFilesOf(file)
  expect(JSON.parse(readFileSync(own, 'utf8'))).toEqual({
    uses: [
      { ...useOn('k1', '2026-05-26', '13:00:00Z'), checks: 2 },
      useOn('k1', '2026-06-30'),
      useOn('old', '2025-01-03'),
    ],
    merged: [],
  })
})

it('says why it cannot write', () => {
  const file = pathOf('none/keys.yaml')
  const error = {
    code: 'unwritable',
    message: `Cannot write ${file}.usage: ENOENT`,
    problems: [],
    cause: expect.objectContaining({ code: 'ENOENT' }) as Error,
  }
  expect(() => createFileWriter(file, fail)([use(1)])).toThrow(expect.objectContaining(error))
})

// Deno would ask on the terminal, and stop all requests until someone answers.
describe('on Deno', () => {
  const stubRights = (missing?: string) => {
    const querySync = vi.fn(({ name }: { readonly name: string; readonly path: string }) => {
      return { state: name === missing ? 'prompt' : 'granted' }
    })
    vi.stubGlobal('Deno', { permissions: { querySync } })
    return querySync
  }

  it.each(['read', 'write'])('writes nothing without the right to %s', (missing) => {
    stubRights(missing)
    const file = write()
    const message = `Cannot write ${file}.usage: NotCapable (on Deno, --allow-write)`
    const error = expect.objectContaining({ code: 'unwritable', message }) as Error
    expect(() => createFileWriter(file, fail)([use(1)])).toThrow(error)
    expect(ownFilesOf(file)).toEqual([])
  })

  it('writes with the rights to read and to write the folder', async () => {
    const query = stubRights()
    const file = write()
    await createFileWriter(file, fail)([use(1)])
    expect(await checksOf(file)).toBe(1)
    const path = dirname(file)
    const rights = ['read', 'write'].map((name) => [{ name, path }])
    expect(query.mock.calls).toEqual(rights)
  })
})

it.each([30, -30])('begins another file after %i minutes', async (minutes) => {
  const noon = Date.UTC(2026, 5, 30, 12)
  vi.useFakeTimers({ now: noon, toFake: ['Date'] })
  const file = write()
  const add = createFileWriter(file, fail)
  await add([use(1)])
  vi.setSystemTime(noon + minutes * 60_000)
  await add([use(1)])
  expect(ownFilesOf(file)).toHaveLength(2)
})

it('a handler of warnings that throws does not end the process', async () => {
  const file = write()
  writeEnded(file, '1'.repeat(16), 5)
  writeFileSync(`${file}.usage`, '{')
  const tell = vi.fn(() => {
    throw new Error('no')
  })
  await createFileWriter(file, tell)([use(1)])
  // Vitest fails for an unhandled rejection.
  await vi.waitFor(() => expect(tell).toHaveBeenCalled(), 10_000)
})

it('of many files some are added at a time, and each counts once', async () => {
  const file = write()
  for (let index = 0; index < 60; index += 1) {
    writeEnded(file, index.toString(16).padStart(16, '0'), 1)
  }
  await mergeUseFiles(file, `${file}.usage`)
  expect([ownFilesOf(file).length, await checksOf(file)]).toEqual([10, 60])
  await mergeUseFiles(file, `${file}.usage`)
  expect([ownFilesOf(file).length, await checksOf(file)]).toEqual([0, 60])
})

it('keys have one use under all their names', async () => {
  const file = write()
  symlinkSync(file, pathOf('link.yaml'))
  await createFileWriter(pathOf('link.yaml'), fail)([use(2)])
  expect(ownFilesOf(file)).toHaveLength(1)
  expect(await checksOf(pathOf('link.yaml'))).toBe(2)
})
