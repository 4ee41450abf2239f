import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { callLater, readConfigFile, UnreadableFileError } from '../../src/yaml/config-file.ts'
import { MOST_TEXT } from '../../src/yaml/document.ts'

const folder = mkdtempSync(join(tmpdir(), 'with-auth-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
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
    ['has no end', () => '/dev/zero', /no regular file/],
    ['is a folder', () => folder, /no regular file/],
    ['is not there', () => join(folder, 'no'), /^ENOENT$/],
    ['has an impossible name', () => 'a\0b', /ERR_INVALID_ARG_VALUE/],
  ])('refuses what %s', async (_, make, message) => {
    const reading = readConfigFile(make())
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(UnreadableFileError)
  })

  it('reads a file that is as long as the limit', async () => {
    expect(await readConfigFile(write('full', 'x'.repeat(MOST_TEXT)))).toHaveLength(MOST_TEXT)
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
})
