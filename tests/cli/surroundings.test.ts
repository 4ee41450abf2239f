import { expect, it } from 'vitest'
import { describeTerminal, EXIT } from '../../src/cli/surroundings.ts'

it('has exit codes that scripts rely on', () => {
  expect(EXIT).toEqual({ ok: 0, failed: 1, usage: 2 })
})

it.each([
  [true, {}, { isTerminal: true, colors: true }],
  [true, { TERM: 'xterm-256color', NO_COLOR: '' }, { isTerminal: true, colors: true }],
  [true, { NO_COLOR: '1' }, { isTerminal: true, colors: false }],
  [true, { NO_COLOR: 'false' }, { isTerminal: true, colors: false }],
  [true, { TERM: 'dumb' }, { isTerminal: true, colors: false }],
  [false, {}, { isTerminal: false, colors: false }],
  [undefined, { COLORTERM: 'truecolor' }, { isTerminal: false, colors: false }],
])('says what standard output is: isTTY %j, %j', (isTTY, env, expected) => {
  expect(describeTerminal(isTTY === undefined ? {} : { isTTY }, env)).toEqual(expected)
})
