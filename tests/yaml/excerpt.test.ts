import { expect, it } from 'vitest'
import { drawExcerpt } from '../../src/yaml/excerpt.ts'

const text = 'a: 1\nkey: {s: "p w"} # c\nb: 2\n'
const at = (part: string): { start: number; end: number } => {
  const start = text.indexOf(part)
  return { start, end: start + part.length }
}

it('masks all but what is named as shown, and keeps where values begin and end', () => {
  expect(drawExcerpt(text, at('"p w"').start, [])).toBe('    ***: {*: "* *"} * *\n             ^')
  expect(drawExcerpt(text, at('key').start, [at('key'), at('1')])).toBe(
    '    key: {*: "* *"} * *\n    ^',
  )
})

it('shows the first and the last line, without the ends of lines of Windows', () => {
  expect(drawExcerpt('a: 1\r\nb', 0, [{ start: 0, end: 4 }])).toBe('    a: 1\n    ^')
  expect(drawExcerpt('a: 1\r\nb', 6, [{ start: 6, end: 7 }])).toBe('    b\n    ^')
})

it('shows a part of a long line, and nothing of a blank one', () => {
  const long = `${'x'.repeat(500)}y${'x'.repeat(500)}`
  const [line = '', caret = ''] = drawExcerpt(long, 500, [{ start: 0, end: 1001 }]).split('\n')
  expect(line.length).toBeLessThan(130)
  expect(line[caret.indexOf('^')]).toBe('y')
  expect(drawExcerpt('\n\n', 1, [])).toBe('')
  expect(drawExcerpt('a\n \t \nb', 3, [])).toBe('')
})

it('shows not one character beside what is named as shown', () => {
  expect(drawExcerpt('abcde', 0, [{ start: 1, end: 3 }])).toBe('    *bc**\n    ^')
})

it('draws each blank as wide as one', () => {
  expect(drawExcerpt('a:\tb\u00a0c', 3, [{ start: 0, end: 6 }])).toBe('    a: b c\n       ^')
})

it('looks once at what is shown elsewhere, for a file has thousands of keys', () => {
  let looks = 0
  const counted = (start: number, end: number) => ({
    get start() {
      looks += 1
      return start
    },
    get end() {
      looks += 1
      return end
    },
  })
  const line = 'x'.repeat(30)
  const three = `${line}\n${line}\n${line}`
  // The last one before the line ends where it begins, and the first one behind it begins where it ends.
  const elsewhere = [counted(0, 31), counted(0, 5), counted(61, 91), counted(70, 75)]
  expect(drawExcerpt(three, 31, elsewhere)).toBe(`    ${'*'.repeat(30)}\n    ^`)
  expect(looks).toBeLessThanOrEqual(2 * elsewhere.length)
})
