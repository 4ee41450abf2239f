import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import fsPromises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { callLater, readConfigFile, UnreadableFileError } from '../../src/yaml/config-file.ts'
import { MOST_TEXT } from '../../src/yaml/document.ts'

const folder = mkdtempSync(join(tmpdir(), 'with-auth-file-'))
afterEach(() => vi.restoreAllMocks())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

function link(name: string, target: string): string {
  symlinkSync(target, join(folder, name))
  return join(folder, name)
}

const pipe = join(folder, 'pipe')
execFileSync('mkfifo', [pipe])

const OPEN_FILES = '/proc/self/fd'

function listOpen(): string[] {
  return readdirSync(OPEN_FILES).flatMap((name) => {
    try {
      return readlinkSync(join(OPEN_FILES, name))
    } catch {
      // The one by which they were listed.
      return []
    }
  })
}

describe('readConfigFile', () => {
  it('reads UTF-8, also through a link', async () => {
    const file = write('a.yaml', '\ufeffä: 1')
    symlinkSync(file, join(folder, 'link'))
    expect(await readConfigFile(file)).toBe('\ufeffä: 1')
    expect(await readConfigFile(join(folder, 'link'))).toBe('\ufeffä: 1')
  })

  it.each([
    ['is longer than the limit', () => write('long', 'x'.repeat(MOST_TEXT + 1)), /longer than/],
    ['is not UTF-8', () => write('latin', Uint8Array.of(0x61, 0xe9)), /not UTF-8/],
    ['has no end', () => '/dev/zero', /^it is a device, not a regular file$/],
    ['is a folder', () => folder, /^it is a folder, not a regular file$/],
    ['is a pipe without a writer', () => pipe, /^it is a named pipe, not a regular file$/],
    ['is a link to a pipe', () => link('to-pipe', pipe), /^it is a named pipe, not/],
    ['is a link to nothing', () => link('dangling', 'nothing'), /^it does not exist$/],
    ['is not there', () => join(folder, 'no'), /^it does not exist$/],
    ['has an impossible name', () => 'a\0b', /ERR_INVALID_ARG_VALUE/],
  ])('refuses what %s', async (_, make, message) => {
    const reading = readConfigFile(make())
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(UnreadableFileError)
  })

  it('does not hang on a pipe that takes the place of the file after the look at it', async () => {
    const file = await fsPromises.stat(write('b.yaml', 'a: 1'))
    const look = vi.spyOn(fsPromises, 'stat').mockResolvedValueOnce(file)
    const reading = readConfigFile(pipe)
    await expect(reading).rejects.toThrow(/^it is a named pipe, not a regular file$/)
    expect(look).toHaveBeenCalledOnce()
  })

  it('opens only a regular file: a device may act on that', async () => {
    const open = vi.spyOn(fsPromises, 'open')
    await expect(readConfigFile('/dev/null')).rejects.toThrow('it is a device')
    expect(open).not.toHaveBeenCalled()
  })

  it('reads a file that is as long as the limit', async () => {
    expect(await readConfigFile(write('full', 'x'.repeat(MOST_TEXT)))).toHaveLength(MOST_TEXT)
  })

  it.runIf(existsSync(OPEN_FILES))('leaves none open (where the system lists them)', async () => {
    const [good, bad] = [write('good', 'a: 1'), write('bad', Uint8Array.of(0xff))]
    await readConfigFile(good)
    await readConfigFile(bad).catch(() => undefined)
    expect(listOpen().filter((file) => [good, bad].includes(file))).toEqual([])
  })

  /** Reads a file that gives these parts, one at a time, or that cannot be opened. */
  function readParts(parts: readonly string[], failure?: unknown): Promise<string> {
    const left = [...parts]
    const stat = async (): Promise<unknown> => ({ isFile: () => true })
    const handle = {
      stat,
      read: async (buffer: Uint8Array, offset: number) => {
        const bytes = new TextEncoder().encode(left.shift() ?? '')
        buffer.set(bytes, offset)
        return { bytesRead: bytes.length }
      },
      close: async () => undefined,
    }
    const open = async () => {
      if (failure !== undefined) throw failure
      return handle
    }
    vi.stubGlobal('process', { getBuiltinModule: () => ({ open, stat, constants: {} }) })
    return readConfigFile('a').finally(() => vi.unstubAllGlobals())
  }

  it('reads on until there is no more', async () => {
    expect(await readParts(['a: ', '1', '\n'])).toBe('a: 1\n')
    expect(await readParts([])).toBe('')
  })

  it.each([
    [Object.assign(new Error('s'), { name: 'NotCapable' }), 'permit it (on Deno, --allow-read)'],
    [Object.assign(new Error('s'), { code: 'EACCES' }), 'EACCES'],
    [Object.assign(new RangeError('s'), { code: 5 }), 'RangeError'],
    [new TypeError('s'), 'TypeError'],
  ])('says of %o no more than its kind', async (failure, message) => {
    await expect(readParts([], failure)).rejects.toThrow(new UnreadableFileError(message))
  })

  it.each([undefined, {}])('says what to do where there are no files', async (found) => {
    vi.stubGlobal('process', found)
    const reading = readConfigFile('a').finally(() => vi.unstubAllGlobals())
    await expect(reading).rejects.toThrow(/use parseConfig/)
  })
})

describe('callLater', () => {
  it('calls later, and not when it was cancelled', async () => {
    const [kept, cancelled] = [vi.fn(), vi.fn()]
    callLater(cancelled, 1)()
    callLater(kept, 5)
    await vi.waitFor(() => expect(kept).toHaveBeenCalledOnce(), { timeout: 5000 })
    expect(cancelled).not.toHaveBeenCalled()
  })

  it('keeps no process alive', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const cancel = callLater(() => undefined, 60_000)
    expect(timers()).toBe(before)
    cancel()
  })
})
