import { resolveConfig } from '../core/config/parse.ts'
import { misusedOption } from '../core/config/option-checks.ts'
import { describeProblem, dotted } from '../core/config/problems.ts'
import { AuthConfigError } from '../core/errors.ts'
import { keyOf } from './setting.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Findings } from './problems.ts'
import type { Setting, Settings } from './setting.ts'

/** Adds each problem that `withAuth` would find in a config, at its place in the file. */
export function checkConfig(config: AuthConfig, settings: Settings, findings: Findings): void {
  const isContextWrong = findings.has('server.auth.context')
  // A setting with a finding has lost a part, which may cause the problem. A cache needs `context.headers`.
  const problems = problemsOf(config).filter((one) => !isContextWrong || !needsContext(one))
  addProblems(problems, settings, findings)
}

/**
 * Adds each problem at its place in the file.
 *
 * @param parent Has the settings in it. A problem of a setting that is missing is a problem of the parent.
 */
export function addProblems(
  problems: readonly OptionProblem[],
  settings: Settings,
  findings: Findings,
  parent?: Setting,
): void {
  const located = problems
    .map((problem) => locate(settings, problem, problem.optionPath, parent))
    .filter(({ setting, rest }) => !findings.has(keyAt(setting, rest.slice(0, 1))))
  located.forEach((one) => add(one, findings))
}

/**
 * Returns the result of `parse`. After an `AuthConfigError` it adds the problems at their places, and returns `undefined`.
 *
 * @param parent As in {@link addProblems}.
 */
export function attempt<Value>(
  parse: () => Value,
  settings: Settings,
  findings: Findings,
  parent?: Setting,
): Value | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    addProblems(error.problems, settings, findings, parent)
    return undefined
  }
}

/** Adds a problem of a setting, also beside problems within it. */
export function rejectPath(
  path: OptionPath,
  expected: string,
  setting: Setting,
  findings: Findings,
): void {
  const { problems } = misusedOption(path, expected)
  if (path.length > 0)
    return addProblems(problems, setting.children ?? new Map(), findings, setting)
  problems.forEach((problem) => add({ problem, setting, rest: [] }, findings))
}

/** Adds a problem for the later one of two settings that exclude each other. */
export function rejectLater(one: Setting, other: Setting, why: string, findings: Findings): void {
  const [first, later] = one.place.start < other.place.start ? [one, other] : [other, one]
  const message = `"${later.key}" and "${first.key}" both ${why}: remove one of them`
  findings.add(later.place, later.key, message, later.isMasked)
}

/** A config of a file, as it can be checked: only code can tell the address of a client. */
export function withAddress(config: AuthConfig): AuthConfig {
  return { clientAddress: () => undefined, ...config }
}

function problemsOf(config: AuthConfig): readonly OptionProblem[] {
  try {
    resolveConfig(withAddress(config))
    return []
  } catch (error) {
    if (error instanceof AuthConfigError) return error.problems
    throw error
  }
}

function needsContext({ optionPath, received }: OptionProblem): boolean {
  return dotted(optionPath) === 'cache' && received === undefined
}

interface Located {
  readonly problem: OptionProblem
  /** The option, or the nearest one above it in the file. */
  readonly setting: Setting
  /** The path from the setting to the option. */
  readonly rest: OptionPath
}

function locate(
  settings: Settings | undefined,
  problem: OptionProblem,
  rest: OptionPath,
  setting?: Setting,
): Located {
  const next = rest.length === 0 ? undefined : settings?.get(String(rest[0]))
  if (next !== undefined) return locate(next.children, problem, rest.slice(1), next)
  if (setting !== undefined) return { problem, setting, rest }
  throw new TypeError(`No key of the file is "${dotted(problem.optionPath)}"`)
}

function add({ problem, setting, rest }: Located, findings: Findings): void {
  const { place, isMasked } = setting
  const key = keyAt(setting, rest)
  const shown = setting.isHidden ? withoutValue(problem, setting) : problem
  const name = (): string => `"${key}"`
  const message = describeProblem(shown, name, (option) => `"${inKeys(option)}"`)
  findings.add(place, key, message, isMasked, shown)
}

function keyAt({ key }: Setting, rest: OptionPath): string {
  return rest.length === 0 ? key : `${key}.${inKeys(rest)}`
}

function withoutValue({ optionPath, expected }: OptionProblem, { from }: Setting): OptionProblem {
  return { optionPath, expected, isSecret: true, ...(from === undefined ? {} : { from }) }
}

function inKeys(path: OptionPath): string {
  return dotted(path.map((part) => (typeof part === 'string' ? keyOf(part) : part)))
}
