import type { RouteRule } from '../../src/access.ts'
import type { Attributes } from '../support/route-policy.ts'

/**
 * What OGX decides by `route_policy`: its published rules, written again. A user without attributes is one all the same; `undefined`
 * is nobody.
 */
export function ogxPermits(
  rules: readonly RouteRule[],
  sentPath: string,
  user: Attributes | undefined,
): boolean {
  if (rules.length === 0) return true
  const decoded = decodeLoosely(sentPath)
  const route = decoded === '/' ? decoded : decoded.replace(/\/+$/, '')
  const first = rules.find((rule) => {
    const { paths = [] } = rule.permit ?? rule.forbid ?? {}
    return listOf(paths).some((pattern) => matches(pattern, route)) && holds(rule, user)
  })
  return first?.permit !== undefined
}

/** A server of Python replaces what is not UTF-8. */
function decodeLoosely(path: string): string {
  const bytes = path.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function matches(pattern: string, route: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('regex:')) return matchesExpression(pattern.slice(6), route)
  return pattern.endsWith('*') ? route.startsWith(pattern.slice(0, -1)) : route === pattern
}

const PYTHON: Readonly<Record<string, string>> = {
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  w: String.raw`[\p{L}\p{N}_]`,
  W: String.raw`[^\p{L}\p{N}_]`,
  s: String.raw`[\p{Z}\t-\r\x1c-\x1f\x85]`,
  S: String.raw`[^\p{Z}\t-\r\x1c-\x1f\x85]`,
  '.': String.raw`[^\n]`,
  $: String.raw`(?=\n?$)`,
}

/** What `re.match` finds. A broken expression is logged, and matches nothing. */
function matchesExpression(source: string, route: string): boolean {
  try {
    const valid = new RegExp(source, 'u')
    const translated = valid.source.replace(
      /\\([dDwWsS])|\[[^\]]*\]|[.$]/g,
      (whole, letter = whole) => PYTHON[letter as string] ?? whole,
    )
    return new RegExp(`^(?:${translated})`, 'u').test(route)
  } catch {
    return false
  }
}

function holds({ when, unless }: RouteRule, user: Attributes | undefined): boolean {
  if (when === undefined && unless === undefined) return true
  if (user === undefined) return false
  if (when !== undefined) return listOf(when).every((condition) => isTrue(condition, user))
  return !listOf(unless ?? []).some((condition) => isTrue(condition, user))
}

function isTrue(condition: string, user: Attributes): boolean {
  const words = condition.split(' ')
  const values = user[words.at(-1) ?? '']
  if (values === undefined) return false
  return values.includes(words[2] ?? '') !== words.includes('not')
}

function listOf(texts: string | readonly string[]): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}
