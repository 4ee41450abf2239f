import type { RouteRule, RouteScope } from './rules.ts'

type Texts = string | readonly string[]

/** Warnings at the start about valid rules. */
export function warningsOf(rules: readonly RouteRule[]): readonly string[] {
  for (const [permit, rule] of rules.entries()) {
    const forbid = isOfEveryPath(rule.permit)
      ? rules.slice(0, permit).findIndex((earlier) => isEvadedAt(rule, earlier))
      : -1
    if (forbid !== -1) return [describe(forbid, permit)]
  }
  return []
}

function describe(forbid: number, permit: number): string {
  const rules = `Rule ${forbid} of the route policy forbids some paths, and rule ${permit} permits "*"`
  return `${rules}: your server may read a path in another way than rule ${forbid}. Permit what you know`
}

/** Whether a caller whom the forbid is about gets in by the permit with a path that the forbid does not know. */
function isEvadedAt(permit: RouteRule, { forbid, when, unless }: RouteRule): boolean {
  if (forbid === undefined || isOfEveryPath(forbid)) return false
  return !haveOneInCommon(permit.when, unless) && !haveOneInCommon(permit.unless, when)
}

function isOfEveryPath(scope: RouteScope | undefined): boolean {
  return haveOneInCommon(scope?.paths, ['*', '/*'])
}

function haveOneInCommon(some: Texts = [], others: Texts = []): boolean {
  const texts = listOf(others)
  return listOf(some).some((text) => texts.includes(text))
}

function listOf(texts: Texts): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}
