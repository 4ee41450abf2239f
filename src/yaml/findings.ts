import { drawExcerpt } from './excerpt.ts'
import type { LineCounter } from 'yaml'
import type { ConfigProblem } from './config-file-error.ts'
import type { Range } from './excerpt.ts'

/** Collects what is wrong with a file, each with its place. */
export interface Findings {
  /** What is wrong with the whole file. */
  readonly addWhole: (message: string) => void
  /** What is wrong at a place. The text there is shown unless it is masked, since it may be a secret. */
  readonly add: (place: Range, key: string, message: string, isMasked?: boolean) => void
  /** Ranges that may always be shown, such as keys. */
  readonly show: (range: Range) => void
  /** Whether something is wrong with a key, or with what is below it. */
  readonly has: (key: string) => boolean
  readonly isEmpty: () => boolean
  /** Whether more was found than is kept. Then it is pointless to look further. */
  readonly hasMore: () => boolean
  /** The problems that are kept, in the order of the file. */
  readonly all: () => readonly ConfigProblem[]
}

/** For what is wrong at a place that must not be shown. */
export const MASKED = true

// Each problem takes another validation, and its excerpt is looked for among all keys.
const MOST = 100

interface Found {
  readonly place: Range | undefined
  readonly key: string
  readonly message: string
  readonly isMasked: boolean
}

export function createFindings(path: string, text: string, lines: LineCounter): Findings {
  const found: Found[] = []
  const shown: Range[] = []
  const locate = ({ place, key, message, isMasked }: Found): ConfigProblem => {
    if (place === undefined) return { path, line: 0, column: 0, key, message, excerpt: '' }
    const { line, col } = lines.linePos(place.start)
    const excerpt = drawExcerpt(text, place.start, isMasked ? shown : [...shown, place])
    return { path, line, column: col, key, message, excerpt }
  }
  let hasMore = false
  const push = (one: Found): void => {
    hasMore = found.length === MOST
    if (!hasMore) found.push(one)
  }
  return {
    addWhole: (message) => push({ place: undefined, key: '', message, isMasked: MASKED }),
    add: (place, key, message, isMasked = false) => push({ place, key, message, isMasked }),
    isEmpty: () => found.length === 0,
    hasMore: () => hasMore,
    show: (range) => void shown.push(range),
    has: (key) => found.some((one) => one.key === key || isBelow(one.key, key)),
    all: () => {
      // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
      return [...found].sort((one, other) => order(one) - order(other)).map(locate)
    },
  }
}

function order({ place }: Found): number {
  return place?.start ?? -1
}

function isBelow(key: string, parent: string): boolean {
  return key.startsWith(`${parent}.`) || key.startsWith(`${parent}[`)
}
