import { expect, it } from 'vitest'
import { KeyFileError, malformed } from '../../src/keys/error.ts'

it('names every problem with its place', () => {
  const problems = [
    { line: 3, column: 5, message: 'this' },
    { line: 9, column: 1, message: 'that' },
  ]
  const error = malformed('keys.yaml', problems)
  expect(error).toBeInstanceOf(KeyFileError)
  expect(error.name).toBe('KeyFileError')
  expect(error.code).toBe('malformed')
  expect(error.message).toBe('keys.yaml:3:5: this\nkeys.yaml:9:1: that')
  expect(error.problems).toEqual(problems)
})

it('shows twenty at most, and keeps them all', () => {
  const problems = Array.from({ length: 25 }, (_, line) => ({ line, column: 1, message: 'x' }))
  const error = malformed('keys.yaml', problems)
  expect(error.message.split('\n')).toHaveLength(21)
  expect(error.message).toContain('and 5 more')
  expect(error.problems).toHaveLength(25)
  expect(malformed('keys.yaml', problems, true).message).toMatch(/\nand at least 6 more$/)
  expect(malformed('keys.yaml', problems.slice(0, 20)).message).not.toContain('more')
})

it('has no problems of its own, and no cause', () => {
  const error = new KeyFileError('locked', 'no')
  expect(error).toMatchObject({ code: 'locked', message: 'no', problems: [] })
  expect('cause' in error).toBe(false)
})

it('has its cause', () => {
  const cause = new Error('why')
  expect(new KeyFileError('unreadable', 'no', [], { cause })).toMatchObject({ cause, problems: [] })
})
