import { expect, it } from 'vitest'
import { readTable } from '../support/markdown.ts'
import { readText } from '../support/project.ts'
import { isLinear, PARSERS, PIECES, repeatTo } from './timed-parsers.ts'

// Longer texts are refused unread by some, so that only shorter ones say how they are read.
const LENGTHS = [250, 4000]

it.each(PARSERS)(
  '%s is read in linear time',
  { tags: ['slow'], timeout: 120_000 },
  (_what, parse) => {
    const slow = PIECES.filter((piece) => {
      const isFast = (end: string): boolean =>
        LENGTHS.every((length) => isLinear((size) => repeatTo(piece, size, end), parse, length))
      return !isFast('') || !isFast('!')
    })
    expect(slow).toEqual([])
  },
)

it('the figure is the number of patterns', () => {
  const figures = readTable(readText('SECURITY.md'), 'what')
  const row = figures.find(([what]) => what?.startsWith('1 MB given to each parser'))
  expect(row?.[0]).toContain(`${PIECES.length} hostile patterns`)
})
