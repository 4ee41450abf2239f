import { parseCacheControl } from '../../core/cache-control.ts'
import { isRedirect, skipped } from './row.ts'
import type { Finding, Row } from './row.ts'

/** Above this, callers notice. */
const SLOW_MS = 1000
const HOUR_MS = 3_600_000

/** How long the answers took. */
export function judgeSpeed(findings: readonly Finding[], timeoutMs: number): Row {
  const check = 'slow answers'
  const slowest = Math.round(Math.max(...findings.map(({ outcome }) => outcome.durationMs)))
  const did = `the slowest of ${findings.length} took ${slowest} ms`
  const late = findings.filter(
    ({ outcome }) => outcome.kind === 'silence' && outcome.reason === 'timeout',
  )
  if (late.length > 0) {
    const wrapper = `refuses: timeout, after ${timeoutMs} ms`
    const change = 'answer sooner: each request waits for the endpoint'
    return { check, result: 'fail', did: `${late.length} did not end in time`, wrapper, change }
  }
  if (slowest < SLOW_MS) return { check, result: 'ok', did, wrapper: 'waits' }
  const change =
    'answer within some 100 ms: each request that finds no kept verdict waits this long'
  return { check, result: 'note', did, wrapper: 'waits', change }
}

/** Whether there was a redirect anywhere. */
export function judgeRedirects(findings: readonly Finding[]): Row {
  const check = 'redirects'
  const count = findings.filter(isRedirect).length
  if (count === 0) return { check, result: 'ok', did: 'none', wrapper: 'follows none' }
  const change = 'answer under the URL that is configured, or configure the one that it leads to'
  const wrapper = 'follows none, refuses: denied'
  return { check, result: 'fail', did: `${count} of ${findings.length}`, wrapper, change }
}

/** What the endpoint says about keeping its verdict. */
export function judgeCacheControl(finding: Finding | undefined): Row {
  const check = 'Cache-Control'
  if (finding?.outcome.kind !== 'answer') return skipped(check, 'there was no answer')
  const { maxAgeMs } = parseCacheControl(finding.outcome.headers.get('cache-control'))
  if (maxAgeMs === undefined) {
    const wrapper = 'keeps it as long as "cache" says'
    const change = 'send "Cache-Control: max-age=30" if a verdict must not be kept for longer'
    return { check, result: 'note', did: 'says nothing', wrapper, change }
  }
  if (maxAgeMs === 0) {
    const wrapper = 'neither keeps nor shares it'
    const change = 'send "max-age" with some seconds, if a verdict may be kept: each request asks'
    return { check, result: 'note', did: 'forbids to keep it', wrapper, change }
  }
  const did = `max-age of ${maxAgeMs / 1000} s`
  if (maxAgeMs <= HOUR_MS) return { check, result: 'ok', did, wrapper: 'keeps it no longer' }
  return { check, result: 'ok', did, wrapper: 'keeps it as long as "cache" says, an hour at most' }
}
