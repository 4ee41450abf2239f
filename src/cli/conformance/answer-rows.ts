import { parseCacheControl } from '../../core/endpoint/freshness.ts'
import { isRedirect, isVerdict, skipped } from './row.ts'
import type { Finding, Row } from './row.ts'

/** Above this, callers notice. */
const SLOW_MS = 1000
const HOUR_MS = 3_600_000

/** How long the answers took. */
export function judgeSpeed(findings: readonly Finding[], isTimeUp: boolean): Row {
  const check = 'slow answers'
  const slowest = Math.round(Math.max(...findings.map(({ outcome }) => outcome.durationMs)))
  const did = `slowest: ${slowest} ms`
  const row = { check, did, wrapper: 'waits' }
  if (slowest < SLOW_MS && !isTimeUp) return { ...row, result: 'ok' }
  const change = 'answer within some 100 ms: each request without a cached decision waits this long'
  if (!isTimeUp) return { ...row, result: 'note', change }
  const answers = findings.length === 1 ? '1 answer' : `${findings.length} answers`
  return { ...row, result: 'fail', did: `${answers} in a minute`, change }
}

/** Whether there was a redirect anywhere. */
export function judgeRedirects(findings: readonly Finding[]): Row {
  const check = 'redirects'
  const count = findings.filter(isRedirect).length
  if (count === 0) return { check, result: 'ok', did: 'none', wrapper: 'follows none' }
  const change = 'answer with 400 or 401 in place of a redirect, such as to a login page'
  const did = `${count} of ${findings.length}`
  return { check, result: 'fail', did, wrapper: 'rejects: denied', change }
}

/** What the endpoint says about keeping its verdict. */
export function judgeCacheControl(finding: Finding | undefined): Row {
  const check = 'Cache-Control'
  if (finding?.outcome.kind !== 'answer' || !isVerdict(finding)) {
    return skipped(check, 'there was no verdict')
  }
  const { maxAgeMs } = parseCacheControl(finding.outcome.headers.get('cache-control'))
  if (maxAgeMs === undefined) {
    const wrapper = 'obeys the option "cache"'
    const change = 'send "Cache-Control: max-age=30" if a decision must not be cached for longer'
    return { check, result: 'note', did: 'says nothing', wrapper, change }
  }
  if (maxAgeMs === 0) {
    const wrapper = 'does not cache it'
    const change =
      'send "max-age" with some seconds if a decision may be cached: now each request asks'
    return { check, result: 'note', did: 'forbids caching', wrapper, change }
  }
  const did = `max-age of ${maxAgeMs / 1000} s`
  if (maxAgeMs <= HOUR_MS) return { check, result: 'ok', did, wrapper: 'caches it no longer' }
  return { check, result: 'ok', did, wrapper: 'caches it for up to 1 h' }
}
