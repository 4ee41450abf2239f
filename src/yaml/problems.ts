import { AuthConfigError } from '../core/errors.ts'
import { MOST_PROBLEMS } from '../core/config/problems.ts'
import type { LineCounter } from 'yaml'
import type { OptionProblem } from '../core/errors.ts'

/** One thing that is wrong with a configuration file. Where the YAML itself is wrong, `expected` is the same as `message`. */
export interface ConfigProblem extends OptionProblem {
  /** The file, as the caller named it. */
  readonly path: string
  /** From 1; 0 where the problem is the whole file. */
  readonly line: number
  /** From 1, in UTF-16 code units; 0 where the problem is the whole file. */
  readonly column: number
  /** The key, such as `server.auth.timeout_ms`; `''` where there is none. */
  readonly key: string
  /** What is wrong and what is allowed. Never shows a secret, nor a value from the environment. */
  readonly message: string
  /** The line with a caret below it, where values that may be secret are masked; `''` where there is no line. */
  readonly excerpt: string
}

const MOST_SHOWN = 50

/**
 * Thrown for a configuration file that cannot be used, with everything that is wrong with it. The message shows each problem at
 * its `file:line:column`, with the line and a caret.
 *
 * @example
 * ```ts
 * import { ConfigFileError, parseConfig } from 'with-auth/yaml'
 *
 * try {
 *   parseConfig('server:\n  auth:\n    endpiont: https://auth.example.com/validate\n')
 * } catch (error) {
 *   if (!(error instanceof ConfigFileError)) throw error
 *   for (const { line, column, key, message } of error.problems) {
 *     console.error(line, column, key, message)
 *   }
 * }
 * ```
 */
export class ConfigFileError extends AuthConfigError {
  readonly #problems: readonly ConfigProblem[]

  /** @param hasMore Whether the file has more problems than these. */
  constructor(problems: readonly ConfigProblem[], hasMore = false) {
    super(problems[0]?.key ?? '', compose(problems, hasMore))
    this.name = 'ConfigFileError'
    this.#problems = Object.freeze([...problems])
  }

  /** In the order of the file. At least one; the search for more stops at 100. */
  override get problems(): readonly ConfigProblem[] {
    return this.#problems
  }
}

function compose(problems: readonly ConfigProblem[], hasMore: boolean): string {
  const shown = problems.slice(0, MOST_SHOWN).map(describe)
  const rest = problems.length - shown.length
  if (hasMore) shown.push(`and at least ${rest + 1} more`)
  if (!hasMore && rest > 0) shown.push(`and ${rest} more`)
  return shown.join('\n\n')
}

function describe({ path, line, column, message, excerpt }: ConfigProblem): string {
  const place = line === 0 ? path : `${path}:${line}:${column}`
  return excerpt === '' ? `${place}: ${message}` : `${place}: ${message}\n${excerpt}`
}

/** A part of the text, from `start` to before `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Collects the problems of a file, each with its place. */
export interface Findings {
  /** Adds a problem of the whole file. */
  readonly addWhole: (message: string) => void
  /** Adds a problem at a place. The excerpt shows the text there unless it is masked, since it may be a secret. */
  readonly add: (
    place: Range,
    key: string,
    message: string,
    isMasked?: boolean,
    problem?: OptionProblem,
  ) => void
  /** Names a range that excerpts may always show, such as a key. */
  readonly show: (range: Range) => void
  /** Whether a key, or something below it, has a problem. */
  readonly has: (key: string) => boolean
  readonly isEmpty: () => boolean
  /** Whether more was found than is collected. Looking further is pointless then. */
  readonly hasMore: () => boolean
  /** The collected problems, in the order of the file. */
  readonly all: () => readonly ConfigProblem[]
}

/** For a problem at a place that must not be shown. */
export const MASKED = true

interface Found {
  readonly place: Range | undefined
  readonly key: string
  readonly message: string
  readonly isMasked: boolean
  readonly problem?: OptionProblem | undefined
}

export function createFindings(path: string, text: string, lines: LineCounter): Findings {
  const found: Found[] = []
  const shown: Range[] = []
  const locate = ({ place, key, message, isMasked, problem }: Found): ConfigProblem => {
    const known = problem ?? { optionPath: [], expected: message, isSecret: false }
    const base = { ...known, path, key, message }
    if (place === undefined) return { ...base, line: 0, column: 0, excerpt: '' }
    const { line, col } = lines.linePos(place.start)
    const excerpt = drawExcerpt(text, place.start, isMasked ? shown : [...shown, place])
    return { ...base, line, column: col, excerpt }
  }
  let hasMore = false
  const push = (one: Found): void => {
    hasMore = found.length === MOST_PROBLEMS
    if (!hasMore) found.push(one)
  }
  return {
    addWhole: (message) => push({ place: undefined, key: '', message, isMasked: MASKED }),
    add: (place, key, message, isMasked = false, problem) =>
      push({ place, key, message, isMasked, problem }),
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

const BEFORE = 70
const AFTER = 40
const INDENT = '    '
// These show where a value begins and ends, and nothing of the value.
const STRUCTURE = /[\s{}[\],:"']/

/**
 * Draws the line of an offset with a caret below. A file holds the secrets of a whole server, so everything outside the `shown`
 * ranges is masked. Returns `''` for a blank line.
 */
export function drawExcerpt(text: string, offset: number, shown: readonly Range[]): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  const start = Math.max(lineStart, offset - BEFORE)
  const end = Math.min(endOfLine(text, offset), offset + AFTER)
  const near = shown.filter((range) => range.start < end && range.end > start)
  const isShown = (at: number): boolean => near.some((range) => at >= range.start && at < range.end)
  const line = text
    .slice(start, end)
    .split('')
    .map((character, index) => mask(character, isShown(start + index)))
    .join('')
  if (line.trim() === '') return ''
  return `${INDENT}${line.trimEnd()}\n${INDENT}${' '.repeat(offset - start)}^`
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end
}

// A tab becomes one blank, so that the caret below is in the right column.
function mask(character: string, isShown: boolean): string {
  if (/\s/.test(character)) return ' '
  return isShown || STRUCTURE.test(character) ? character : '*'
}
