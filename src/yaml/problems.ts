import { AuthConfigError } from '../core/errors.ts'
import { MOST_PROBLEMS } from '../core/config/problems.ts'
import type { LineCounter } from 'yaml'
import type { OptionProblem } from '../core/errors.ts'

/** One problem of a configuration file. If the YAML itself is wrong, `expected` is the same as `message`. */
export interface ConfigProblem extends OptionProblem {
  /** The file, as the caller named it. */
  readonly path: string
  /** From 1; 0 if the problem is the whole file. */
  readonly line: number
  /** From 1, in UTF-16 code units; 0 if the problem is the whole file. */
  readonly column: number
  /** The key, such as `server.auth.timeout_ms`; `''` without one. */
  readonly key: string
  /** The problem and the allowed values. Never shows a secret or a value from the environment. */
  readonly message: string
  /** The line with a caret below it. Values that may be secret are masked. `''` without a line. */
  readonly excerpt: string
}

const MOST_SHOWN = 50

/**
 * Thrown for a configuration file that cannot be used, with all its problems. The message shows each problem with its
 * `file:line:column`, the line and a caret.
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

  /** All problems in the order of the file. At least one; the search stops at 100. */
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

/** For a problem at a place that must not be shown. */
export const MASKED = true

interface Found {
  readonly place: Range | undefined
  readonly key: string
  readonly message: string
  readonly isMasked: boolean
  readonly problem: OptionProblem
}

/** Collects the problems of a file, each with its place. */
export class Findings {
  readonly #path: string
  readonly #text: string
  readonly #lines: LineCounter
  readonly #found: Found[] = []
  readonly #shown: Range[] = []
  #hasMore = false

  constructor(path: string, text: string, lines: LineCounter) {
    this.#path = path
    this.#text = text
    this.#lines = lines
  }

  /** Adds a problem. `undefined` is the whole file. The excerpt shows the text at the place unless it is masked. */
  add(
    place: Range | undefined,
    key: string,
    message: string,
    isMasked = false,
    problem: OptionProblem = { optionPath: [], expected: message, isSecret: false },
  ): void {
    this.#hasMore = this.#found.length === MOST_PROBLEMS
    if (!this.#hasMore) this.#found.push({ place, key, message, isMasked, problem })
  }

  /** Lets all excerpts show this range, such as a key. */
  show(range: Range): void {
    this.#shown.push(range)
  }

  /** Whether a key, a key below it, or an unknown key that probably means it has a problem. */
  has(key: string): boolean {
    return this.#found.some(
      (one) => one.key === key || isBelow(one.key, key) || meantBy(one) === key,
    )
  }

  isEmpty(): boolean {
    return this.#found.length === 0
  }

  /** Whether there are more problems than this collects. Then the search can stop. */
  hasMore(): boolean {
    return this.#hasMore
  }

  /** The line of a place in the text, from 1. */
  lineAt({ start }: Range): number {
    return this.#lines.linePos(start).line
  }

  /** Returns the problems in the order of the file. */
  all(): readonly ConfigProblem[] {
    // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
    const sorted = [...this.#found].sort((one, other) => startOf(one) - startOf(other))
    return sorted.map((one) => this.#locate(one))
  }

  #locate({ place, key, message, isMasked, problem }: Found): ConfigProblem {
    const base = { ...problem, path: this.#path, key, message }
    if (place === undefined) return { ...base, line: 0, column: 0, excerpt: '' }
    const { line, col } = this.#lines.linePos(place.start)
    const shown = isMasked ? this.#shown : [...this.#shown, place]
    return { ...base, line, column: col, excerpt: drawExcerpt(this.#text, place.start, shown) }
  }
}

function startOf({ place }: Found): number {
  return place?.start ?? -1
}

function meantBy({ key, problem }: Found): string | undefined {
  const { isUnknown, didYouMean } = problem
  if (isUnknown !== true || didYouMean === undefined) return undefined
  return `${key.slice(0, key.lastIndexOf('.') + 1)}${didYouMean}`
}

function isBelow(key: string, parent: string): boolean {
  return key.startsWith(`${parent}.`) || key.startsWith(`${parent}[`)
}

const BEFORE = 70
const AFTER = 40
const INDENT = '    '
// These show where a value begins and ends, but no part of it.
const STRUCTURE = /[\s{}[\],:"']/

/**
 * Draws the line of an offset with a caret below. The file holds the secrets of a whole server, so everything outside the `shown`
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

// A tab becomes one blank, so that the caret stands in the right column.
function mask(character: string, isShown: boolean): string {
  if (/\s/.test(character)) return ' '
  return isShown || STRUCTURE.test(character) ? character : '*'
}
