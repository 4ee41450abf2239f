import { execFileSync } from 'node:child_process'
import fs, { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { UnreadableFileError } from '../../src/files/system.ts'
import { readTextFile } from '../../src/files/text-file.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()
const MAX_BYTES = 1000

function write(content: string | Uint8Array): string {
  writeFileSync(pathOf('file'), content)
  return pathOf('file')
}

function makePipe(): string {
  execFileSync('mkfifo', [pathOf('pipe')])
  return pathOf('pipe')
}

function link(target: string): string {
  symlinkSync(target, pathOf('link'))
  return pathOf('link')
}

it('reads UTF-8 up to the limit, without a byte order mark, through a link too', () => {
  expect(readTextFile(write('\uFEFFä: 1'), MAX_BYTES)).toBe('ä: 1')
  expect(readTextFile(link('file'), MAX_BYTES)).toBe('ä: 1')
  expect(readTextFile(write(''), MAX_BYTES)).toBe('')
  expect(readTextFile(write(`${'€'.repeat(333)}x`), MAX_BYTES)).toHaveLength(334)
})

it('reads on until the system returns no more bytes', () => {
  const file = write('a: 1\n')
  const { readSync } = fs
  const read = vi.spyOn(fs, 'readSync')
  const one = (handle: number, buffer: NodeJS.ArrayBufferView, offset: number): number =>
    readSync(handle, buffer, offset, 1, null)
  read.mockImplementation(one as typeof readSync)
  expect(readTextFile(file, MAX_BYTES)).toBe('a: 1\n')
  expect(read).toHaveBeenCalledTimes(6)
})

describe('refuses a path that', () => {
  it.each<[string, () => string, string, string]>([
    ['is too long', () => write('x'.repeat(1001)), 'too_long', 'it is longer than 1000 bytes'],
    ['is not UTF-8', () => write(Uint8Array.of(0x61, 0xe9)), 'not_utf8', 'it is not UTF-8'],
    ['has no end', () => '/dev/zero', 'not_regular', 'it is a device, not a regular file'],
    ['is a folder', () => pathOf('.'), 'not_regular', 'it is a folder, not a regular file'],
    ['is a pipe', makePipe, 'not_regular', 'it is a named pipe, not a regular file'],
    [
      'is a link to a pipe',
      () => link(makePipe()),
      'not_regular',
      'it is a named pipe, not a regular file',
    ],
    ['is a link to nothing', () => link('nothing'), 'ENOENT', 'it does not exist'],
    ['is missing', () => pathOf('none'), 'ENOENT', 'it does not exist'],
    ['holds a NUL', () => 'a\0b', 'ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_VALUE'],
  ])('%s', (_, make, code, message) => {
    const file = make()
    const reading = (): unknown => readTextFile(file, MAX_BYTES)
    expect(reading).toThrow(UnreadableFileError)
    expect(reading).toThrow(expect.objectContaining({ code, message }))
  })

  it('is a socket', async () => {
    const server = createServer().listen(pathOf('socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    expect(() => readTextFile(pathOf('socket'), MAX_BYTES)).toThrow('it is a socket, not a')
    server.close()
  })

  it.each([
    ['isBlockDevice', 'it is a device, not a regular file'],
    ['none', 'it is something else, not a regular file'],
  ])('a test cannot make: %s', (found, message) => {
    const stats = new Proxy(statSync('.'), { get: (_, name) => () => name === found })
    vi.spyOn(fs, 'statSync').mockReturnValue(stats)
    expect(() => readTextFile('a', MAX_BYTES)).toThrow(message)
  })
})

it('does not hang on a pipe that takes the place of the file after the first look at it', () => {
  const stats = statSync(write(''))
  const pipe = makePipe()
  const look = vi.spyOn(fs, 'statSync').mockReturnValueOnce(stats)
  expect(() => readTextFile(pipe, MAX_BYTES)).toThrow('it is a named pipe, not a regular file')
  expect(look).toHaveBeenCalledOnce()
})

it('opens only a regular file: opening a device may have an effect', () => {
  const open = vi.spyOn(fs, 'openSync')
  expect(() => readTextFile('/dev/null', MAX_BYTES)).toThrow('it is a device')
  expect(open).not.toHaveBeenCalled()
})

it('closes the file, also after an error', () => {
  const file = write(Uint8Array.of(0xff))
  const close = vi.spyOn(fs, 'closeSync')
  expect(() => readTextFile(file, MAX_BYTES)).toThrow('it is not UTF-8')
  expect(close).toHaveBeenCalledOnce()
})

it.each([
  [Object.assign(new Error('s'), { name: 'NotCapable' }), 'permit it (on Deno, --allow-read)'],
  [Object.assign(new Error('s'), { code: 'EACCES' }), 'this user may not read it (EACCES)'],
  [Object.assign(new Error('s'), { code: 'EIO' }), 'EIO'],
  [Object.assign(new RangeError('s'), { code: 5 }), 'RangeError'],
  ['text', 'unknown'],
])('the message for %o shows no more than its kind', (failure, message) => {
  const file = write('')
  vi.spyOn(fs, 'openSync').mockImplementation(() => {
    throw failure
  })
  const error = { message, cause: failure }
  expect(() => readTextFile(file, MAX_BYTES)).toThrow(expect.objectContaining(error))
})

it.each([
  ['no process', undefined],
  ['a process that is a stand-in', { env: {} }],
])('a runtime with %s has no files', (_, stub) => {
  vi.stubGlobal('process', stub)
  const error = { code: 'no_files', message: 'this runtime has no file system' }
  try {
    expect(() => readTextFile('a', MAX_BYTES)).toThrow(expect.objectContaining(error))
  } finally {
    vi.unstubAllGlobals()
  }
})
