import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'

/** Options, the option that is named, and a part of the message. */
export type Row = readonly [given: unknown, option: string, text?: string]
type Make = (options: never) => unknown
type Group = readonly [name: string, make: Make, base: object, rows: readonly Row[]]

/** A secret of which no error shows the first word. */
export const SECRET = 'hunter2-hunter2-hunter2'

export const group = (name: string, make: Make, base: object, rows: readonly Row[]): Group => [
  name,
  make,
  base,
  rows,
]

/** Tests that the functions refuse their wrong options: the error names the option, and shows no secret. */
export function testRefusals(groups: readonly Group[]): void {
  describe.each(groups)('%s', (_name, make, base, rows) => {
    it.each<Row>(rows)('refuses %o, and names %s', (given, option, text = '') => {
      const options = given?.constructor === Object ? { ...base, ...given } : given
      const error = thrownBy(() => make(options as never))
      expect(error).toBeInstanceOf(AuthConfigError)
      expect(error).toMatchObject({ option, code: 'invalid_config' })
      expect(error.message).toContain(text)
      expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/hunter2|PRIVATE KEY/)
    })
  })
}

function thrownBy(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  return expect.fail('the options were accepted')
}
