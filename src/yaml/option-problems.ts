import { resolveConfig } from '../core/config/parse.ts'
import { misusedOption } from '../core/config/option-checks.ts'
import { describeProblem, dotted } from '../core/config/problems.ts'
import { AuthConfigError } from '../core/errors.ts'
import { placeOf } from './origins.ts'
import { rangeOf } from './tree.ts'
import { keyOf } from './values.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Origin, Reading } from './origins.ts'

/** Adds each problem that `withAuth` would find in a config, at its place in the file. */
export function checkConfig(config: AuthConfig, reading: Reading): void {
  const isContextWrong = reading.findings.has('server.auth.context')
  // A value with a finding has lost a part, which may cause the problem. A cache needs `context.headers`.
  const problems = problemsOf(config).filter((one) => !isContextWrong || !needsContext(one))
  addProblems(problems, reading)
}

/**
 * Adds each problem at its place in the file.
 *
 * @param parent The path of the object with the options. A problem of an option that is missing is a problem of the object.
 */
export function addProblems(
  problems: readonly OptionProblem[],
  reading: Reading,
  parent: OptionPath = [],
): void {
  const located = problems
    .map((problem) => ({ problem, ...reading.origins.nearest([...parent, ...problem.optionPath]) }))
    .filter(({ origin, rest }) => !reading.findings.has(keyAt(origin.key, rest.slice(0, 1))))
  for (const { problem, origin, rest } of located) addAt(origin, rest, problem, reading)
}

/**
 * Returns the result of `parse`. After an `AuthConfigError` it adds the problems at their places, and returns `undefined`.
 *
 * @param parent As in {@link addProblems}.
 */
export function attempt<Value>(
  parse: () => Value,
  reading: Reading,
  parent?: OptionPath,
): Value | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    addProblems(error.problems, reading, parent)
    return undefined
  }
}

/** Adds a problem of an option, or for an empty path of the object at `parent`, also beside problems within that. */
export function rejectOption(
  path: OptionPath,
  expected: string,
  reading: Reading,
  parent: OptionPath,
): void {
  const { problems } = misusedOption(path, expected)
  if (path.length > 0) return addProblems(problems, reading, parent)
  const { origin } = reading.origins.nearest(parent)
  for (const problem of problems) addAt(origin, [], problem, reading)
}

/** Adds a problem for the later one of two values that exclude each other. */
export function rejectLater(one: Origin, other: Origin, why: string, reading: Reading): void {
  const isFirst = rangeOf(one.node).start < rangeOf(other.node).start
  const [first, later] = isFirst ? [one, other] : [other, one]
  const { place, isMasked } = placeOf(later, reading.tree)
  const message = `"${later.key}" and "${first.key}" both ${why}: remove one of them`
  reading.findings.add(place, later.key, message, isMasked)
}

function problemsOf(config: AuthConfig): readonly OptionProblem[] {
  try {
    // Only code can tell the address of a client.
    resolveConfig(config, () => undefined)
    return []
  } catch (error) {
    if (error instanceof AuthConfigError) return error.problems.map(inFile)
    throw error
  }
}

/** In a file the store of a cache stands beside it. */
function inFile(problem: OptionProblem): OptionProblem {
  const [first, second] = problem.optionPath
  const isOfStore = first === 'cache' && second === 'store'
  return isOfStore ? { ...problem, optionPath: problem.optionPath.slice(1) } : problem
}

function needsContext({ optionPath }: OptionProblem): boolean {
  return dotted(optionPath) === 'cache'
}

function addAt(
  origin: Origin,
  rest: OptionPath,
  problem: OptionProblem,
  { tree, findings }: Reading,
): void {
  const { place, isMasked, isHidden, from } = placeOf(origin, tree)
  const { optionPath, expected, hint } = problem
  const hidden = {
    optionPath,
    expected,
    isSecret: true,
    ...(from && { from }),
    ...(hint && { hint }),
  }
  const shown = isHidden ? hidden : problem
  const key = keyAt(origin.key, rest)
  const name = (): string => `"${key}"`
  const message = describeProblem(shown, name, (option) => `"${inKeys(option)}"`)
  findings.add(place, key, message, isMasked, shown)
}

function keyAt(key: string, rest: OptionPath): string {
  return rest.length === 0 ? key : `${key}.${inKeys(rest)}`
}

function inKeys(path: OptionPath): string {
  return dotted(path.map((part) => (typeof part === 'string' ? keyOf(part) : part)))
}
