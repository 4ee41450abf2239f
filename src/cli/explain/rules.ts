import { traceRules } from '../../access/policy.ts'
import { showFact } from './shown-fact.ts'
import type { Fate } from '../../access/policy.ts'
import type { RouteRule } from '../../access/rules.ts'
import type { Access, Auth } from '../../core/types.ts'
import type { Places } from './subject.ts'

/** One rule, and how it fared. */
export interface RuleTrace {
  /** Counted from 0, as in events. */
  readonly rule: number
  readonly place: string | undefined
  /** Such as `permit GET /v1/*, when user with admin in roles`. */
  readonly says: string
  readonly decides: boolean
  /** Why it does not apply. */
  readonly misfit?: string
}

const MISFITS: Readonly<Record<Exclude<Fate, 'applies' | 'condition'>, string>> = {
  path: 'it is about other paths',
  method: 'it is about other methods',
}

/** The rules of a `route_policy` that a request met, up to the one that decided. */
export function explainRules(
  rules: unknown,
  access: Pick<Access, 'auth' | 'path' | 'method'>,
  places: Places,
): readonly RuleTrace[] {
  // The file was read, so they are rules.
  const all = (rules ?? []) as readonly RouteRule[]
  return traceRules(all, access).map((fate, rule) => ({
    rule,
    place: places.of(['routePolicy', rule]),
    says: describeRule(all[rule] ?? {}),
    decides: fate === 'applies',
    ...(fate === 'applies' ? {} : { misfit: misfitOf(fate, all[rule] ?? {}, access.auth) }),
  }))
}

function describeRule({ permit, forbid, when, unless }: RouteRule): string {
  const scope = permit ?? forbid
  const methods = scope?.methods === undefined ? [] : [scope.methods.join(', ')]
  const conditions = [
    ...(when === undefined ? [] : [`when ${listOf(when).join(' and ')}`]),
    ...(unless === undefined ? [] : [`unless ${listOf(unless).join(' or ')}`]),
  ]
  const words = [permit ? 'permit' : 'forbid', ...methods, listOf(scope?.paths).join(', ')]
  return [words.join(' '), ...conditions].join(', ')
}

function misfitOf(
  fate: Exclude<Fate, 'applies'>,
  { when, unless }: RouteRule,
  { attributes }: Auth,
): string {
  if (fate !== 'condition') return MISFITS[fate]
  const conditions = [...listOf(when), ...listOf(unless)]
  const names = conditions.flatMap((text) => /\sin\s+(\S+)\s*$/.exec(text)?.[1] ?? [])
  const has = [...new Set(names)].map((name) => {
    const values = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    return `${name}: ${values === undefined || values.length === 0 ? 'none' : showFact(values)}`
  })
  return `the caller has ${has.join('; ')}`
}

function listOf(texts: string | readonly string[] = []): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}
