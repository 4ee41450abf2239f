import { expect, it } from 'vitest'
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
