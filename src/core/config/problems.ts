import { AuthConfigError } from '../errors.ts'
import type { OptionProblem } from '../errors.ts'

/** The names and indices that lead to an option. */
export type OptionPath = readonly (string | number)[]

/** Returns the words for an option in a message. */
export type NameOption = (path: OptionPath) => string

/** The most problems that a caller shows as a list. */
export const MOST_PROBLEMS = 100

const MOST_LINES = 10

/** Collects the problems of several options. It reports `MOST_PROBLEMS` + 1 at most, so that a caller knows there are more. */
export class Problems {
  readonly #found: OptionProblem[] = []

  add(error: AuthConfigError): void {
    this.#found.push(...error.problems)
  }

  /** Returns the result of `parse`, or `undefined` after it threw an `AuthConfigError`. */
  attempt<Value>(parse: () => Value): Value | undefined {
    if (this.#found.length > MOST_PROBLEMS) return undefined
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof AuthConfigError)) throw error
      this.add(error)
      return undefined
    }
  }

  /** Throws an `AuthConfigError` with all problems, if there are any. */
  throwIfAny(): void {
    const [first, ...others] = this.#found
    if (first !== undefined) throw configError([first, ...others.slice(0, MOST_PROBLEMS)])
  }
}

/** Parses every item of a list, and freezes the result. */
export function parseList<Item>(
  items: readonly unknown[],
  path: OptionPath,
  parseItem: (item: unknown, path: OptionPath) => Item,
): readonly Item[] {
  return parseEach(items, (item, index) => parseItem(item, [...path, index]))
}

/** Parses an object of any names, and freezes the result. */
export function parseEntries<Value>(
  value: object,
  parseEntry: (name: string, value: unknown) => readonly [name: string, value: Value],
): Readonly<Record<string, Value>> {
  const entries = parseEach(Object.entries(value), ([name, one]) => parseEntry(name, one))
  return Object.freeze(Object.fromEntries(entries))
}

/** Parses each item. Throws an `AuthConfigError` with the problems of all. */
export function parseEach<Item, Parsed>(
  items: readonly Item[],
  parseItem: (item: Item, index: number) => Parsed,
): readonly Parsed[] {
  const problems = new Problems()
  // `from`, since `map` would skip the holes of a sparse array.
  const parsed = Array.from(items).flatMap(
    (item, index) => problems.attempt(() => [parseItem(item, index)]) ?? [],
  )
  problems.throwIfAny()
  return Object.freeze(parsed)
}

/** The error for problems of a config in code. It has a line for each of the first ten. */
export function configError(
  problems: readonly [OptionProblem, ...OptionProblem[]],
): AuthConfigError {
  const lines = problems.slice(0, MOST_LINES).map((problem) => describeProblem(problem))
  const rest = problems.length - lines.length
  if (rest > 0) lines.push(`and ${rest} more problems`)
  return new AuthConfigError(dotted(problems[0].optionPath), lines.join('\n'), problems)
}

/** Writes a problem as a sentence. `name` has the words for its option, and `mention` for other options. */
export function describeProblem(
  problem: OptionProblem,
  name: NameOption = quoteOption,
  mention: NameOption = quoteOption,
): string {
  const sentence = describeValue(problem, name, mention)
  const { hint } = problem
  return hint === undefined ? sentence : `${sentence}: ${nameMentioned(hint, mention)}`
}

function describeValue(problem: OptionProblem, name: NameOption, mention: NameOption): string {
  const { optionPath, expected, received, isSecret, isUnknown, didYouMean } = problem
  const allowed = nameMentioned(expected, mention)
  if (isUnknown) {
    const option = isSecret ? '(hidden because it may be a secret)' : name(optionPath)
    const hint =
      didYouMean === undefined ? `expected ${allowed}` : `did you mean ${mention([didYouMean])}?`
    return `Unknown option ${option}: ${hint}`
  }
  const sentence = `${name(optionPath)} must be ${allowed}`
  if (problem.from === 'environment')
    return `${sentence} (its value comes from the environment and is not shown)`
  if (isSecret) return `${sentence} (its value is not shown)`
  const withValue = received === undefined ? sentence : `${sentence}, received ${received}`
  return didYouMean === undefined
    ? withValue
    : `${withValue}: did you mean ${JSON.stringify(didYouMean)}?`
}

/** Replaces the names in backticks with the words that `mention` has for them. */
export function nameMentioned(expected: string, mention: NameOption = quoteOption): string {
  return expected.replace(/`([^`]+)`/g, (_, option: string) => mention(option.split('.')))
}

/** `public[0].path` for `['public', 0, 'path']`, and `config` for the config itself. */
export function dotted(path: OptionPath): string {
  if (path.length === 0) return 'config'
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
  return parts.join('').replace(/^\./, '')
}

function quoteOption(path: OptionPath): string {
  return JSON.stringify(dotted(path))
}
