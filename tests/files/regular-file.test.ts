import { execFileSync } from 'node:child_process'
import { constants, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { otherKindOf, readingFlags } from '../../src/files/regular-file.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { FileStats } from '../../src/files/regular-file.ts'

const pathOf = setupFolder()

describe('otherKindOf', () => {
  it('has nothing to say of a regular file, nor of a link to one', () => {
    writeFileSync(pathOf('file'), '')
    symlinkSync('file', pathOf('link'))
    expect(otherKindOf(statSync(pathOf('file')))).toBeUndefined()
    expect(otherKindOf(statSync(pathOf('link')))).toBeUndefined()
  })

  it('names what the system has beside files', async () => {
    execFileSync('mkfifo', [pathOf('pipe')])
    const server = createServer().listen(pathOf('socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const kinds = [dirname(pathOf('x')), pathOf('pipe'), pathOf('socket'), '/dev/null']
    expect(kinds.map((path) => otherKindOf(statSync(path)))).toEqual(
      ['a folder', 'a named pipe', 'a socket', 'a device'].map(
        (kind) => `it is ${kind}, not a regular file`,
      ),
    )
    server.close()
  })

  it.each([
    ['isBlockDevice', 'it is a device, not a regular file'],
    ['none', 'it is something else, not a regular file'],
  ])('names what a test cannot make: %s', (found, said) => {
    const stats = new Proxy({} as FileStats, { get: (_, name) => () => name === found })
    expect(otherKindOf(stats)).toBe(said)
  })
})

it('a file is opened without waiting, where the system knows how', () => {
  expect(readingFlags(constants)).toBe(constants.O_NONBLOCK)
  expect(readingFlags({ O_RDONLY: 0 })).toBe(0)
})
