import { resolveConfig } from '../core/config/parse.ts'
import { describeProblem, dotted } from '../core/config/problems.ts'
import { AuthConfigError } from '../core/errors.ts'
import { keyOf } from './setting.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Settings } from './auth-section.ts'
import type { Findings } from './problems.ts'
import type { Content, Setting } from './setting.ts'

/** Makes a config of settings, and adds every problem that `withAuth` would find in it, at its place in the file. */
export function checkSettings(settings: Settings, findings: Findings): AuthConfig {
  const root: Content = { kind: 'fields', fields: settings }
  const config = plainOf(root)
  // Without this, a problem in `context` would also make `cache` wrong, which needs `context.headers`.
  const checked = findings.has('server.auth.context') ? withHeaders(config) : config
  const located = problemsOf(checked).map((problem) => locate(root, problem))
  // A setting with a finding lacks a part that was rejected. What is wrong with it for that reason is no news.
  const news = located.filter(({ setting }) => !findings.has(setting.key))
  news.forEach((one) => add(one, findings))
  return config
}

function problemsOf(config: unknown): readonly OptionProblem[] {
  try {
    resolveConfig(config)
    return []
  } catch (error) {
    if (error instanceof AuthConfigError) return error.problems
    throw error
  }
}

function withHeaders(config: Readonly<Record<string, unknown>>): unknown {
  const context: unknown = config['context']
  const headers: unknown = Reflect.get(Object(context), 'headers')
  return Array.isArray(headers)
    ? config
    : { ...config, context: { ...Object(context), headers: [] } }
}

function plainOf(content: Extract<Content, { kind: 'fields' }>): Record<string, unknown> {
  // `fromEntries` makes own properties, also of `__proto__`.
  return Object.fromEntries(
    [...content.fields].map(([name, setting]) => [name, valueOf(setting.content)]),
  )
}

function valueOf(content: Content): unknown {
  if (content.kind === 'fields') return plainOf(content)
  return content.kind === 'items'
    ? content.items.map((item) => valueOf(item.content))
    : content.value
}

interface Located {
  readonly problem: OptionProblem
  /** The option, or the nearest that the file has above it. */
  readonly setting: Setting
  /** From the setting to the option. */
  readonly rest: OptionPath
}

function locate(
  content: Content,
  problem: OptionProblem,
  rest: OptionPath = problem.optionPath,
  setting?: Setting,
): Located {
  const next = childOf(content, rest[0])
  if (next !== undefined) return locate(next.content, problem, rest.slice(1), next)
  if (setting !== undefined) return { problem, setting, rest }
  throw new TypeError(`No key of the file is "${dotted(problem.optionPath)}"`)
}

function childOf(content: Content, part: string | number | undefined): Setting | undefined {
  if (content.kind === 'fields') return content.fields.get(String(part))
  return content.kind === 'items' ? content.items[Number(part)] : undefined
}

function add({ problem, setting, rest }: Located, findings: Findings): void {
  const { place, isMasked } = setting
  const key = rest.length === 0 ? setting.key : `${setting.key}.${inKeys(rest)}`
  const shown = setting.isHidden ? withoutValue(problem, setting) : problem
  const message = describeProblem(
    shown,
    () => `"${key}"`,
    (option) => `"${inKeys(option)}"`,
  )
  findings.add(place, key, message, isMasked, shown)
}

function withoutValue(problem: OptionProblem, { from }: Setting): OptionProblem {
  const { optionPath, expected } = problem
  return { optionPath, expected, isSecret: true, ...(from === undefined ? {} : { from }) }
}

function inKeys(path: OptionPath): string {
  return dotted(path.map((part) => (typeof part === 'string' ? keyOf(part) : part)))
}
