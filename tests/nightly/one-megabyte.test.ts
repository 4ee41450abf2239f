import { expect, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { bestTime, PARSERS, PIECES, repeatTo } from '../parsers/timed-parsers.ts'

// Needs an idle machine.

const MOST_MS = 20

it.runIf(IS_NIGHTLY).for(PARSERS)(
  '%s of 1 MB is read in 20 ms',
  { tags: ['slow'], timeout: 120_000 },
  ([, parse], { task }) => {
    const times = PIECES.map((piece) => ({
      piece,
      ms: bestTime(parse, repeatTo(piece, 1_000_000), 9),
    }))
    expect(times.filter(({ ms }) => ms >= MOST_MS)).toEqual([])
    task.meta.figures = { oneMegabyte: { patterns: PIECES.length, mostMs: MOST_MS } }
  },
)
