import { describe, expect, it } from 'vitest'
import { addAdvice, nameFlags, shown } from '../../src/cli/key-messages.ts'
import { UsageError } from '../../src/cli/usage-error.ts'
import { AuthConfigError } from '../../src/index.ts'
import { KeyFileError } from '../../src/keys.ts'

describe('an option that is wrong', () => {
  it.each([
    ['"key.expiresIn" must be x', '--expires-in must be x'],
    ['"key.paths[12]" must be x, received "/*"', '--path must be x, received "/*"'],
    ['"options.older" must be x', '--older must be x'],
    [
      '"options.expiresIn" and "options.expiresAt" exclude each other',
      '--expires-in and --expires-at exclude each other',
    ],
    ['"file" must be x', '"file" must be x'],
    ['"options.dryRun" must be x', '"options.dryRun" must be x'],
  ])('is named by its flag: %s', (message, named) => {
    const failing = (): never => nameFlags(new AuthConfigError('option', message))
    expect(failing).toThrow(UsageError)
    expect(failing).toThrow(expect.objectContaining({ message: named }))
  })

  it('is no other error', () => {
    const error = new KeyFileError('not_found', '"key.paths" x')
    expect(() => nameFlags(error)).toThrow(error)
  })
})

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
