import { expect, it } from 'vitest'
import { isLinear, LIMITED_PARSERS, PARSERS, PIECES, repeatTo } from './timed-parsers.ts'

// Some parsers reject longer texts unread, so only shorter texts show the time of parsing.
const LENGTHS = [250, 4000]

it.each([...PARSERS, ...LIMITED_PARSERS])(
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
