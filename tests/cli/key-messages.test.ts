import { expect, it } from 'vitest'
import { addAdvice, shown } from '../../src/cli/key-messages.ts'
import { KeyFileError } from '../../src/keys.ts'

it('what to do stands behind the message, for what it helps against', () => {
  const add = addAdvice({ no_such_key: 'do this' })
  const cause = new KeyFileError('no_such_key', 'There is none')
  expect(() => add(cause)).toThrow(
    expect.objectContaining({ message: 'There is none: do this', cause }),
  )
  for (const error of [new KeyFileError('locked', 'x'), new Error('no_such_key')]) {
    expect(() => add(error)).toThrow(error)
  }
})

it.each([
  ['alice', 'alice'],
  ['a b!~', 'a b!~'],
  ['a\u001B[31m', '"a\\u001b[31m"'],
  ['a\u202Eb', '"a?b"'],
])('%j is shown as %s', (name, text) => {
  expect(shown(name)).toBe(text)
})
