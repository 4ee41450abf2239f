import { expect, it } from 'vitest'
import { bestTime, PARSERS, PIECES, repeatTo } from './timed-parsers.ts'
import type { Parser } from './timed-parsers.ts'

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

/** Whether 16 times the length takes far less than the 256 times that a quadratic reader would need. */
function isLinear(make: (size: number) => string, parse: Parser, length: number): boolean {
  const short = make(length)
  const long = make(16 * length)
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // The constant is what a clock of a busy machine is off by.
    if (bestTime(parse, long, 3) < 64 * bestTime(parse, short, 3) + 0.5) return true
  }
  return false
}
