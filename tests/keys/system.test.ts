import { statSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { files, reasonOf, system } from '../../src/keys/system.ts'

afterEach(() => vi.unstubAllGlobals())

it('has the files of Node', () => {
  expect(files().statSync).toBe(statSync)
  expect(system().pid).toBe(process.pid)
})

describe('a runtime without files', () => {
  it.each([
    ['no process', undefined],
    ['a process that is a stand-in', { env: {} }],
  ])('is told so: %s', (_, stub) => {
    vi.stubGlobal('process', stub)
    expect(() => files()).toThrow(
      expect.objectContaining({
        code: 'unreadable',
        message: 'This runtime has no files: hand the keys over as { text }',
      }),
    )
  })
})

it('the reason is the code of the system, or the kind of error', () => {
  expect(reasonOf(Object.assign(new Error('x'), { code: 'EACCES' }))).toBe('EACCES')
  expect(reasonOf(Object.assign(new RangeError('x'), { code: 5 }))).toBe('RangeError')
  expect(reasonOf('text')).toBe('unknown')
})
