import { POLICY } from '../core/response/authorization.ts'
import { pathForms } from './path-forms.ts'
import { parseRules } from './rules.ts'
import { warningsOf } from './warnings.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Policy, Ruling } from '../core/response/authorization.ts'
import type { Access } from '../core/types.ts'
import type { Budget, Matcher } from './matcher.ts'
import type { PathForms } from './path-forms.ts'
import type { ParsedRule, RouteRule } from './rules.ts'

const PERMITTED: Ruling = { isPermitted: true }
const FORBIDDEN: Ruling = { isPermitted: false }

// A few milliseconds. Twenty patterns with ".*" fit in, also for a path of the greatest length.
const MOST_STEPS = 150_000
const UNDECIDED: Ruling = {
  isPermitted: false,
  warning:
    'The rules took too long for one path, so the request was forbidden: use fewer or simpler "regex:" patterns',
}

/** Makes the hook of a policy. */
export function policyOf(
  rule: (access: Access) => Ruling,
  warnings: readonly string[] = [],
): Policy {
  return Object.assign((access: Access) => rule(access).isPermitted, {
    [POLICY]: { rule, warnings },
  })
}

/** Parses rules, and makes the hook that they are for. The first rule that applies decides. Throws `AuthConfigError`. */
export function createPolicy(value: unknown, path: OptionPath): (access: Access) => boolean {
  const rules = parseRules(value, path)
  // As in OGX, where policies came later.
  if (rules.length === 0) return policyOf(() => PERMITTED)
  const decide = (access: Access): Ruling => {
    const forms = pathForms(access.path)
    if (forms === undefined) return FORBIDDEN
    const budget = { steps: MOST_STEPS }
    const index = rules.findIndex((rule) => fateOf(rule, access, forms, budget) === 'applies')
    // Then a pattern may have matched nothing for want of time.
    if (budget.steps < 0) return UNDECIDED
    const rule = rules[index]
    if (rule === undefined) return FORBIDDEN
    return rule.isPermit ? PERMITTED : { isPermitted: false, rule: index }
  }
  // They have been parsed.
  return policyOf(decide, warningsOf(value as readonly RouteRule[]))
}

/** The fate of each rule up to the one that decides. Empty for a path that no rule is compared with. */
export function traceRules(
  value: unknown,
  access: Pick<Access, 'auth' | 'path' | 'method'>,
): readonly Fate[] {
  const forms = pathForms(access.path)
  if (forms === undefined) return []
  const budget = { steps: MOST_STEPS }
  const fates = parseRules(value, []).map((rule) => fateOf(rule, access, forms, budget))
  const last = fates.indexOf('applies')
  return last === -1 ? fates : fates.slice(0, last + 1)
}

/** Whether a rule applies to a request, or what it does not fit. */
export type Fate = 'applies' | 'path' | 'method' | 'condition'

/** A permit applies only if it surely does. A forbid applies unless it surely does not. */
function fateOf(
  rule: ParsedRule,
  { auth, method }: Pick<Access, 'auth' | 'method'>,
  forms: PathForms,
  budget: Budget,
): Fate {
  const { isPermit, methods, condition } = rule
  if (!matchesPath(rule, forms, budget)) return 'path'
  // A server may take a method in any case.
  if (methods?.has(isPermit ? method : method.toUpperCase()) === false) return 'method'
  const holds = condition === undefined || condition(auth)
  return (isPermit ? holds === true : holds !== false) ? 'applies' : 'condition'
}

function matchesPath(
  { isPermit, patterns }: ParsedRule,
  { permitted, forbidden, folded }: PathForms,
  budget: Budget,
): boolean {
  if (isPermit) {
    return permitted.every((form) => patterns.some(({ matches }) => matches(form, budget)))
  }
  for (const { matches, isFolded } of patterns) {
    if (matchesOneOf(isFolded ? folded : forbidden, matches, budget)) return true
  }
  return false
}

function matchesOneOf(forms: readonly string[], matches: Matcher, budget: Budget): boolean {
  for (const form of forms) if (matches(form, budget)) return true
  return false
}
