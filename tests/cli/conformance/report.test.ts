import { expect, it } from 'vitest'
import { leftOut, skipped } from '../../../src/cli/conformance/finding.ts'
import { conclude, describeRow } from '../../../src/cli/conformance/report.ts'
import type { Row } from '../../../src/cli/conformance/finding.ts'

const good: Row = { check: 'good key', result: 'ok', did: '200 in 3 ms', wrapper: 'lets in' }
const bad: Row = { ...good, check: 'bad key', result: 'fail', change: 'answer 401' }
const note: Row = { ...good, check: 'identity', result: 'note' }

it('wraps at 80 columns, with or without spaces', () => {
  const change = `${'answer 401 '.repeat(20)}${'x'.repeat(100)} at last`
  const did = 'no answer: ERR_SSL_WRONG_VERSION_NUMBER'
  const lines = describeRow({ ...bad, did, wrapper: 'rejects: unreachable', change }, false)
    .trimEnd()
    .split('\n')
  expect(lines.slice(0, 4)).toEqual([
    '  FAIL     bad key          no answer: ERR_SSL_WRONG_VERSION_NUMBER',
    '                            rejects: unreachable',
    '           -> answer 401 answer 401 answer 401 answer 401 answer 401 answer 401',
    '              answer 401 answer 401 answer 401 answer 401 answer 401 answer 401',
  ])
  expect(
    lines
      .slice(2)
      .map((line) => line.trim())
      .join('')
      .replaceAll(' ', ''),
  ).toBe(`-> ${change}`.replaceAll(' ', ''))
  expect(lines.slice(-2)).toEqual([
    `${' '.repeat(14)}${'x'.repeat(66)}`,
    `${' '.repeat(14)}${'x'.repeat(34)} at last`,
  ])
  expect(lines.filter((line) => line.length > 80)).toEqual([])
})

it('adds colors without moving columns', () => {
  const rows = [good, bad, note, { check: 'padded key', ...skipped('ok') }]
  const colored = rows.map((row) => describeRow(row, true))
  expect(colored.map((line) => line.trim().split(' ')[0])).toEqual([
    '\u{1b}[32mok\u{1b}[0m',
    '\u{1b}[31mFAIL\u{1b}[0m',
    '\u{1b}[33mnote\u{1b}[0m',
    '\u{1b}[90mskipped\u{1b}[0m',
  ])
  const plain = colored.map((line) =>
    line
      .split('\u{1b}')
      .join('')
      .replaceAll(/\[\d+m/g, ''),
  )
  expect(plain).toEqual(rows.map((row) => describeRow(row, false)))
})

it('counts the rows, and explains an early stop', () => {
  expect(conclude([good, good])).toBe('2 ok, 0 failed\n')
  expect(conclude([good, bad, note, { check: 'a', ...skipped('b') }])).toBe(
    '1 ok, 1 note, 1 failed, 1 skipped\n',
  )
  const left = (why: string): Row => ({ check: 'a', ...leftOut(why) })
  const rows = [note, note, bad, left('nothing listens there'), left('later')]
  expect(conclude(rows)).toBe(
    'Stopped: nothing listens there.\n0 ok, 2 notes, 1 failed, 2 skipped\n',
  )
})
