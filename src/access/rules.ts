import { parseOptions } from '../core/config/interpreter.ts'
import { parseList } from '../core/config/problems.ts'
import { invalidOption, isOptionsObject, misusedOption } from '../core/config/option-checks.ts'
import { METHOD } from '../core/config/public-paths.ts'
import { allOf, noneOf, parseCondition } from './conditions.ts'
import { parsePattern } from './pattern.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Condition } from './conditions.ts'
import type { Pattern } from './pattern.ts'

/** The requests that a rule is about. */
export interface RouteScope {
  /** One pattern, or several of which one must match: an exact path, `/prefix*`, `*`, or `regex:` with a regular expression that
   * must match at the start of the path. */
  readonly paths: string | readonly string[]
  /** Methods in upper case; `GET` includes HEAD. By default every method. */
  readonly methods?: readonly string[]
}

/** One rule of a route policy, as OGX has them: `permit` or `forbid`, and at most one of `when` and `unless`. */
export interface RouteRule {
  readonly permit?: RouteScope
  readonly forbid?: RouteScope
  /** `user with VALUE in ATTRIBUTE` or `user with VALUE not in ATTRIBUTE`. All conditions of a list must hold. */
  readonly when?: string | readonly string[]
  /** Conditions of which none may hold. */
  readonly unless?: string | readonly string[]
  /** For people. */
  readonly description?: string
}

/** A rule that can be asked. */
export interface ParsedRule {
  readonly isPermit: boolean
  /** One of them must match a form of the path. */
  readonly patterns: readonly Pattern[]
  /** `undefined` for every method. */
  readonly methods: ReadonlySet<string> | undefined
  /** `undefined` without a condition. */
  readonly condition: Condition | undefined
}

interface ParsedScope {
  /** `undefined` is a problem. */
  readonly paths: readonly Pattern[] | undefined
  readonly methods: readonly string[] | undefined
}

interface ParsedOptions {
  readonly permit: ParsedScope | undefined
  readonly forbid: ParsedScope | undefined
  readonly when: readonly Condition[] | undefined
  readonly unless: readonly Condition[] | undefined
  readonly description: string | undefined
}

const ONE_OR_MORE = {
  kind: 'list',
  canBeOne: true,
  expected: 'a text, or a list of at least one',
} as const
const CONDITIONS: FormOf<readonly Condition[] | undefined> = {
  ...ONE_OR_MORE,
  items: { kind: 'code', is: 'condition', isText: true, read: parseCondition },
}

const PERMIT_OR_FORBID = 'an object with `permit` or `forbid`'
const WITH_PATHS = 'an object with `paths`'

function scopeOf(isForbid: boolean): Table<ParsedScope> {
  return {
    paths: {
      ...ONE_OR_MORE,
      items: {
        kind: 'code',
        is: 'pattern',
        isText: true,
        read: (value, path) => parsePattern(value, path, isForbid),
      },
    },
    methods: { kind: 'list', items: METHOD, expected: 'a list of methods' },
  }
}

function scopeForm(table: Table<ParsedScope>): FormOf<ParsedScope | undefined> {
  return {
    kind: 'code',
    is: 'routeScope',
    fields: table,
    read: (value, path) => parseScope(table, value, path),
  }
}

/** The subject of a rule, in a file. */
export const SCOPE_FIELDS: Table<ParsedScope> = scopeOf(false)

const RULE: Table<ParsedOptions> = {
  permit: scopeForm(scopeOf(false)),
  forbid: scopeForm(scopeOf(true)),
  when: CONDITIONS,
  unless: CONDITIONS,
  description: { kind: 'text', pattern: /^/, expected: 'a string' },
}

/** The keys of a policy in a file. */
export const RULES_FORM: FormOf<readonly ParsedRule[] | undefined> = {
  kind: 'code',
  is: 'routePolicy',
  items: { kind: 'code', is: 'routeRule', fields: RULE, read: parseRule },
  read: parseRules,
}

/** Parses rules. Throws `AuthConfigError` with every problem: a rule that is ignored would open or close the wrong paths. */
export function parseRules(value: unknown, path: OptionPath): readonly ParsedRule[] {
  if (Array.isArray(value)) return parseList(value, path, parseRule)
  throw invalidOption(path, value, 'a list of rules')
}

function parseRule(value: unknown, path: OptionPath): ParsedRule {
  const has = (name: keyof ParsedOptions): boolean => Object.hasOwn(Object(value), name)
  const { permit, forbid, when, unless } = parseOptions(
    RULE,
    value,
    path,
    (_, __, problems) => {
      const reject = (name: string, expected: string): void =>
        problems.add(misusedOption([...path, name], expected))
      if (has('permit') && has('forbid')) reject('forbid', 'left out beside `permit`')
      if (!has('permit') && !has('forbid'))
        problems.add(invalidOption(path, value, PERMIT_OR_FORBID))
      if (has('when') && has('unless')) reject('unless', 'left out beside `when`')
    },
    PERMIT_OR_FORBID,
  )
  const { paths = [], methods } = permit ?? forbid ?? {}
  return {
    isPermit: permit !== undefined,
    patterns: paths,
    methods: methods && methodsOf(methods),
    condition: (when && allOf(when)) ?? (unless && noneOf(unless)),
  }
}

function parseScope(table: Table<ParsedScope>, value: unknown, path: OptionPath): ParsedScope {
  const hasNoPaths = isOptionsObject(value) && !Object.hasOwn(value, 'paths')
  return parseOptions(
    table,
    value,
    path,
    (_, __, problems) => {
      if (hasNoPaths) problems.add(invalidOption(path, value, WITH_PATHS))
    },
    WITH_PATHS,
  )
}

// A server answers HEAD with what GET would say.
function methodsOf(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}
