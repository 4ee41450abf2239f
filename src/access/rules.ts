import { parseList } from '../core/config/kinds.ts'
import {
  invalidOption,
  isHttpToken,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { allOf, noneOf, parseCondition } from './conditions.ts'
import { parsePattern } from './pattern.ts'
import type { Form } from '../core/config/kinds.ts'
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

const text: Form = { kind: 'text', scalar: 'string' }
const conditions: Form = { kind: 'conditions', scalar: 'string', items: text }
const patterns: Form = { kind: 'patterns', scalar: 'string', items: { ...text, kind: 'pattern' } }
const methods: Form = { kind: 'methods', items: { kind: 'method', scalar: 'string' } }
export const SCOPE_FIELDS: NonNullable<Form['fields']> = {
  paths: { form: patterns },
  methods: { form: methods },
}
const scope: Form = { kind: 'routeScope', fields: SCOPE_FIELDS }

/** The keys of a policy in a file. */
export const RULES_FORM: Form = {
  kind: 'routePolicy',
  needsValues: true,
  items: {
    kind: 'routeRule',
    fields: {
      permit: { form: scope },
      forbid: { form: scope },
      when: { form: conditions },
      unless: { form: conditions },
      description: { form: { kind: 'anyText', scalar: 'string' } },
    },
  },
}

const RULE = ['permit', 'forbid', 'when', 'unless', 'description'] as const
const SCOPE = ['paths', 'methods'] as const
const PERMIT_OR_FORBID = 'an object with `permit` or `forbid`'

/** Parses rules. Throws `AuthConfigError` with every problem: a rule that is ignored would open or close the wrong paths. */
export function parseRules(value: unknown, path: OptionPath): readonly ParsedRule[] {
  if (Array.isArray(value)) return parseList(value, path, parseRule)
  throw invalidOption(path, value, 'a list of rules')
}

function parseRule(value: unknown, path: OptionPath): ParsedRule {
  const problems = new Problems()
  const given = readOptions(value, RULE, path, PERMIT_OR_FORBID, problems)
  const has = (name: (typeof RULE)[number]): boolean => Object.hasOwn(Object(value), name)
  const reject = (name: string, expected: string): void =>
    problems.add(misusedOption([...path, name], expected))
  if (has('permit') && has('forbid')) reject('forbid', 'left out beside `permit`')
  if (!has('permit') && !has('forbid')) problems.add(invalidOption(path, value, PERMIT_OR_FORBID))
  if (has('when') && has('unless')) reject('unless', 'left out beside `when`')
  const parsed = <Value>(
    name: (typeof RULE)[number],
    parse: (one: unknown, at: OptionPath) => Value,
  ): Value | undefined =>
    given[name] === undefined
      ? undefined
      : problems.attempt(() => parse(given[name], [...path, name]))
  const permit = parsed('permit', (one, at) => parseScope(one, at, false))
  const forbid = parsed('forbid', (one, at) => parseScope(one, at, true))
  const [when, unless] = [parsed('when', parseConditions), parsed('unless', parseConditions)]
  parsed('description', parseDescription)
  problems.throwIfAny()
  return {
    isPermit: permit !== undefined,
    patterns: [],
    methods: undefined,
    ...(permit ?? forbid),
    condition: (when && allOf(when)) ?? (unless && noneOf(unless)),
  }
}

function parseScope(
  value: unknown,
  path: OptionPath,
  isForbid: boolean,
): Pick<ParsedRule, 'patterns' | 'methods'> {
  const problems = new Problems()
  const given = readOptions(value, SCOPE, path, 'an object with `paths`', problems)
  const hasNoPaths = isOptionsObject(value) && !Object.hasOwn(value, 'paths')
  if (hasNoPaths) problems.add(invalidOption(path, value, 'an object with `paths`'))
  const parsed = {
    patterns:
      given.paths === undefined
        ? undefined
        : problems.attempt(() =>
            parseTexts(given.paths, [...path, 'paths'], (one, at) =>
              parsePattern(one, at, isForbid),
            ),
          ),
    methods:
      given.methods === undefined
        ? undefined
        : problems.attempt(() => parseMethods(given.methods, [...path, 'methods'])),
  }
  problems.throwIfAny()
  return { patterns: parsed.patterns ?? [], methods: parsed.methods }
}

/** A text, or a list of at least one. */
function parseTexts<Item>(
  value: unknown,
  path: OptionPath,
  parseItem: (value: unknown, path: OptionPath) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) return [parseItem(value, path)]
  if (value.length > 0) return parseList(value, path, parseItem)
  throw invalidOption(path, value, 'a text, or a list of at least one')
}

function parseConditions(value: unknown, path: OptionPath): readonly Condition[] {
  return parseTexts(value, path, parseCondition)
}

function parseMethods(value: unknown, path: OptionPath): ReadonlySet<string> {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidOption(path, value, 'a list of methods')
  }
  const names = new Set(parseList(value, path, parseMethod))
  // A server answers HEAD with what GET would say.
  return names.has('GET') ? names.add('HEAD') : names
}

function parseMethod(value: unknown, path: OptionPath): string {
  if (isHttpToken(value) && value === value.toUpperCase()) return value
  throw invalidOption(path, value, 'a method in upper case')
}

function parseDescription(value: unknown, path: OptionPath): void {
  if (typeof value !== 'string') throw invalidOption(path, value, 'a string')
}
