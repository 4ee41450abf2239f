import { readName } from '../../core/endpoint/claim-path.ts'
import { parseCacheControl } from '../../core/endpoint/freshness.ts'
import { faultMessage } from '../../core/endpoint/identity-faults.ts'
import { parseBodyIdentity } from '../../core/endpoint/identity.ts'
import { parseBody } from '../../core/endpoint/verdict.ts'
import {
  describeOutcome,
  describeView,
  isOutage,
  isRedirect,
  skipped,
  statusOf,
} from './finding.ts'
import type { IdentityFault } from '../../core/endpoint/identity-faults.ts'
import type { Finding, Row } from './finding.ts'
import type { ProbeOutcome } from './probe.ts'

const ANSWER_200 = 'answer exactly 200 to a valid key: 201, 204 and every other status reject it'
const ANSWER_401 = 'answer 401 to an unknown key: a page that always answers 200 allows every key'
const NO_REDIRECT =
  'answer 200 or 401 instead of a redirect: the wrapper follows none, because that would send the key elsewhere'
const MOST_FAULTS = 8

/** The advice for a rejected valid key, by status. */
const CHANGES: Readonly<Record<number, string>> = {
  400: 'accept the question of the contract: {"api_key", "request": {"path", "headers", "params"}}',
  401: 'does the endpoint know the key, and read it from "api_key" of the JSON body?',
  403: 'does the endpoint know the key, and may the key use the path "/v1/models"?',
  404: 'there is nothing under this URL: is the path right?',
  405: 'accept POST',
  413: 'accept bodies of at least 64 KiB: the question holds the headers of the client',
  415: 'accept "content-type: application/json"',
  422: 'accept the question of the contract: parameters may be strings or lists of strings',
  429: 'do not limit the gateway: it asks on behalf of all clients',
  431: 'the question is in the body, and must not be limited like headers',
}

export function judgeGoodKey(check: string, finding: Finding): Row {
  const row = describe(check, finding)
  if (finding.view.passes && finding.obstacle === undefined) return { ...row, result: 'ok' }
  return { ...row, result: 'fail', change: changeFor(finding) }
}

export function judgeBadKey(check: string, finding: Finding, ifAllowed: string = ANSWER_401): Row {
  const row = describe(check, finding)
  const { obstacle, view } = finding
  if (obstacle === undefined && view.passes) return { ...row, result: 'fail', change: ifAllowed }
  if (obstacle !== undefined || isOutage(finding) || isRedirect(finding)) {
    return { ...row, result: 'fail', change: changeFor(finding) }
  }
  if (isVerdict(finding)) return { ...row, result: 'ok' }
  const looks = statusOf(finding) === 404 ? ', and a 404 looks like a wrong URL' : ''
  const change = `answer 401 or 403: only these denials are cached${looks}`
  return { ...row, result: 'note', change }
}

/** An invalid body. The answer must be a denial, and must not look like an outage. */
export function judgeNonsense(
  check: string,
  finding: Finding,
  what: string,
  ifAllowed: string = `answer 400 to ${what}: any client that reaches the endpoint can send it`,
): Row {
  const row = { ...describe(check, finding), wrapper: 'never sends this' }
  if (finding.view.passes) return { ...row, result: 'fail', change: ifAllowed }
  if (!isOutage(finding)) return { ...row, result: 'ok' }
  const isLimited = statusOf(finding) === 429
  const change = isLimited ? changeFor(finding) : `answer 400 to ${what}, and do not fail on it`
  return { ...row, result: 'fail', change }
}

/** Whether the answer to the valid key names its principal. Reports faults by attribute name, never by value. */
export function judgeIdentity({ outcome, view }: Finding, key: string): Row {
  const check = 'identity'
  if (!view.passes) return skipped(check, 'the good key was not allowed')
  const wrapper = describeView(view)
  if (view.isNamed) return { check, result: 'ok', did: 'names a principal', wrapper }
  const wrong = faultsOf(outcome, key)
  if (wrong.length > 0) {
    const change = `correct these: ${wrong.slice(0, MOST_FAULTS).join('; ')}`
    return { check, result: 'fail', did: 'sends a faulty identity', wrapper, change }
  }
  const isCut = outcome.kind === 'answer' && outcome.body === undefined
  const did = isCut ? 'sends an unreadable body' : 'names no principal'
  const change =
    'answer {"principal": "...", "attributes": {"...": ["..."]}} to name the owner of the key'
  return { check, result: 'note', did, wrapper, change }
}

function faultsOf(outcome: ProbeOutcome, key: string): readonly string[] {
  if (outcome.kind === 'silence' || outcome.body === undefined) return []
  const wrong: string[] = []
  const onFault = (fault: IdentityFault): void => void wrong.push(faultMessage(fault, key))
  const body = { state: 'complete', text: outcome.body } as const
  const json = parseBody(body, outcome.headers, onFault)
  parseBodyIdentity(json, readName(json, 'tenant'), onFault)
  return wrong
}

function describe(check: string, { outcome, view }: Finding): Omit<Row, 'result'> {
  return { check, did: describeOutcome(outcome), wrapper: describeView(view) }
}

function changeFor(finding: Finding): string {
  if (finding.obstacle !== undefined) return finding.obstacle.change
  if (isRedirect(finding)) return NO_REDIRECT
  const status = statusOf(finding)
  if (status >= 500) return 'answer 200 or 401: a 5xx is taken for an outage'
  return CHANGES[status] ?? ANSWER_200
}

/** Whether the wrapper may cache the answer. */
function isVerdict(finding: Finding): boolean {
  return [200, 401, 403].includes(statusOf(finding))
}

const SLOW_MS = 1000
const HOUR_MS = 3_600_000

export function judgeSpeed(findings: readonly Finding[], isTimeUp: boolean): Row {
  const check = 'slow answers'
  const slowest = Math.round(Math.max(...findings.map(({ outcome }) => outcome.durationMs)))
  const did = `slowest: ${slowest} ms`
  const row = { check, did, wrapper: 'waits' }
  if (slowest < SLOW_MS && !isTimeUp) return { ...row, result: 'ok' }
  const change =
    'answer within about 100 ms: each request without a cached decision waits this long'
  if (!isTimeUp) return { ...row, result: 'note', change }
  const answers = findings.length === 1 ? '1 answer' : `${findings.length} answers`
  return { ...row, result: 'fail', did: `${answers} in a minute`, change }
}

export function judgeRedirects(findings: readonly Finding[]): Row {
  const check = 'redirects'
  const count = findings.filter(isRedirect).length
  if (count === 0) return { check, result: 'ok', did: 'none', wrapper: 'follows none' }
  const change = 'answer 400 or 401 instead of a redirect, such as one to a login page'
  const did = `${count} of ${findings.length}`
  return { check, result: 'fail', did, wrapper: 'rejects: denied', change }
}

export function judgeCacheControl(finding: Finding | undefined): Row {
  const check = 'Cache-Control'
  if (finding?.outcome.kind !== 'answer' || !isVerdict(finding)) {
    return skipped(check, 'there was no verdict')
  }
  const { maxAgeMs } = parseCacheControl(finding.outcome.headers.get('cache-control'))
  if (maxAgeMs === undefined) {
    const wrapper = 'obeys the option "cache"'
    const change = 'send "Cache-Control: max-age=30" to limit how long a decision is cached'
    return { check, result: 'note', did: 'says nothing', wrapper, change }
  }
  if (maxAgeMs === 0) {
    const wrapper = 'does not cache it'
    const change =
      'send "max-age" in seconds if a decision may be cached: now every request calls the endpoint'
    return { check, result: 'note', did: 'forbids caching', wrapper, change }
  }
  const did = `max-age of ${maxAgeMs / 1000} s`
  if (maxAgeMs <= HOUR_MS)
    return { check, result: 'ok', did, wrapper: 'caches it for at most that' }
  return { check, result: 'ok', did, wrapper: 'caches it for up to 1 h' }
}
