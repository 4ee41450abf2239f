import { readCondition } from '../../access/conditions.ts'
import { createPublicCheck } from '../../core/response/exemption.ts'
import { error, ok, warning } from './finding.ts'
import type { RouteRule, RouteScope } from '../../access/rules.ts'
import type { PublicRule } from '../../core/config/public-paths.ts'
import type { Finding, Place } from './finding.ts'

/** The attributes that callers can have, each with its values if all are known. `undefined` if it may be any. */
export type Attributes = ReadonlyMap<string, Values> | undefined

export type Values = ReadonlySet<string> | 'any'

interface Given {
  readonly rules: readonly RouteRule[]
  readonly isPublic: readonly PublicRule[]
  readonly attributes: Attributes
  /** Whether a key that is made later may have others. */
  readonly areFromKeys: boolean
  /** Where a rule is. */
  readonly at: (rule: number) => Place
}

/** The findings about rules that need no request. */
export function checkRules(given: Given): readonly Finding[] {
  const { rules, isPublic, at } = given
  return rules.flatMap((rule, index) => [
    ...findShadow(rules, index, at),
    ...checkAttributes(rule, index, given),
    ...findPrivate(rule, index, isPublic, at),
  ])
}

function scopeOf({ permit, forbid }: RouteRule): RouteScope {
  return permit ?? forbid ?? { paths: [] }
}

function findShadow(rules: readonly RouteRule[], index: number, at: Given['at']): Finding[] {
  const rule = rules[index] ?? {}
  const earlier = rules.slice(0, index).findIndex((one) => covers(one, rule))
  const other = rules[earlier]
  if (other === undefined) return []
  const isSame = (other.permit === undefined) === (rule.permit === undefined)
  const verb = other.permit === undefined ? 'forbids' : 'permits'
  const says = `Rule ${index} never decides about the paths that it names: rule ${earlier} ${verb} them before.`
  return isSame
    ? [warning(at(index), says, `Remove it, or move it before rule ${earlier}.`)]
    : [error(at(index), says, `Move it before rule ${earlier}.`)]
}

/** Whether one rule surely decides whenever the other one would. Compares texts, and so misses some. */
function covers(one: RouteRule, other: RouteRule): boolean {
  const [scope, wanted] = [scopeOf(one), scopeOf(other)]
  return (
    listOf(wanted.paths).every((path) => listOf(scope.paths).some((all) => holds(all, path))) &&
    holdsMethods(scope.methods, wanted.methods) &&
    holdsConditions(one, other)
  )
}

function holds(all: string, path: string): boolean {
  if (all === '/*' || all === path) return true
  // What is before the star is empty, or begins with "/", unlike "*" and an expression.
  return !all.startsWith('regex:') && all.endsWith('*') && path.startsWith(all.slice(0, -1))
}

function holdsMethods(all: RouteScope['methods'], wanted: RouteScope['methods']): boolean {
  if (all === undefined) return true
  const known = new Set(all.includes('GET') ? [...all, 'HEAD'] : all)
  return wanted?.every((method) => known.has(method)) === true
}

/** A rule with fewer conditions applies to more callers. An unknown attribute keeps a permit from applying, and not a forbid. */
function holdsConditions(one: RouteRule, other: RouteRule): boolean {
  const isWithin = (name: 'when' | 'unless'): boolean =>
    listOf(one[name]).every((text) => listOf(other[name]).includes(text))
  if (one.when === undefined && one.unless === undefined) return true
  const isSure = one.permit === undefined || other.permit !== undefined
  return isSure && isWithin('when') && isWithin('unless')
}

function checkAttributes(
  rule: RouteRule,
  index: number,
  { attributes, areFromKeys, at }: Given,
): readonly Finding[] {
  if (attributes === undefined) return []
  const effect = rule.permit === undefined ? 'it spares no caller' : 'it never applies'
  const make = areFromKeys ? warning : error
  return [...listOf(rule.when), ...listOf(rule.unless)].flatMap((text): readonly Finding[] => {
    const { wanted: value = '', name = '' } = readCondition(text) ?? {}
    const values = attributes.get(name)
    const quoted = JSON.stringify(name)
    if (values === undefined) {
      const says = `Rule ${index} asks for the attribute ${quoted}, which no caller has: ${effect}.`
      return [make(at(index), says, adviceOn([...attributes.keys()]))]
    }
    if (values === 'any' || values.has(value)) return []
    const says = `Rule ${index} asks for ${JSON.stringify(value)} in ${quoted}, which no key has.`
    return [warning(at(index), says)]
  })
}

function adviceOn(names: readonly string[]): string {
  if (names.length === 0) return 'Give callers attributes.'
  return `Use one that callers have: ${names.map((name) => JSON.stringify(name)).join(', ')}.`
}

/** Paths that probes and browsers ask for, without a token. */
const FOR_ALL =
  /(?:^|\/)(?:health|healthz|livez?|ready|readyz|ping|version|metrics|favicon\.ico|robots\.txt)$/

/** Each caller with a token may use such a path, and a request without one gets 401. */
function findPrivate(
  { permit, when, unless }: RouteRule,
  index: number,
  isPublic: readonly PublicRule[],
  at: Given['at'],
): Finding[] {
  if (permit === undefined || when !== undefined || unless !== undefined) return []
  const isCovered = createPublicCheck(isPublic)
  const [method = 'GET'] = permit.methods ?? []
  const paths = listOf(permit.paths).filter((path) => {
    return !/\*$|^regex:/.test(path) && isCovered?.(path, { method }) !== true
  })
  if (paths.length === 0) return []
  const named = paths.slice(0, 4).join(', ') + (paths.length > 4 ? ', and others' : '')
  const says = `Rule ${index} permits ${named} to every caller, and a request without a token gets 401: "public" does not have ${paths.length === 1 ? 'the path' : 'the paths'}.`
  const isMeant = !paths.some((path) => FOR_ALL.test(path))
  return isMeant
    ? [ok(at(index), says)]
    : [warning(at(index), says, 'Add it to "public", if no token should be needed.')]
}

function listOf(texts: string | readonly string[] = []): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}
