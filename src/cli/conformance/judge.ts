import { readName } from '../../core/endpoint/claim-path.ts'
import { parseCacheControl } from '../../core/endpoint/freshness.ts'
import { faultMessage } from '../../core/endpoint/identity-faults.ts'
import { parseBodyIdentity } from '../../core/endpoint/identity.ts'
import { parseBody } from '../../core/endpoint/verdict.ts'
import { describeOutcome, describeView, isOutage, isRedirect, skipped } from './finding.ts'
import type { IdentityFault } from '../../core/endpoint/identity-faults.ts'
import type { Finding, Judgment } from './finding.ts'
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

export function judgeGoodKey(finding: Finding): Judgment {
  const isOk = finding.view.passes && finding.obstacle === undefined
  return isOk ? ok(describe(finding)) : fail(describe(finding), changeFor(finding))
}

export function judgeBadKey(finding: Finding, ifAllowed: string = ANSWER_401): Judgment {
  const { outcome, obstacle, view } = finding
  const said = describe(finding)
  if (obstacle === undefined && view.passes) return fail(said, ifAllowed)
  if (obstacle !== undefined || isOutage(finding) || isRedirect(outcome)) {
    return fail(said, changeFor(finding))
  }
  if (isVerdict(outcome)) return ok(said)
  const looks = outcome.status === 404 ? ', and a 404 looks like a wrong URL' : ''
  return note(said, `answer 401 or 403: only these denials are cached${looks}`)
}

/** An invalid body. The answer must be a denial, and must not look like an outage. */
export function judgeNonsense(
  finding: Finding,
  what: string,
  ifAllowed: string = `answer 400 to ${what}: any client that reaches the endpoint can send it`,
): Judgment {
  const said = { ...describe(finding), wrapper: 'never sends this' }
  if (finding.view.passes) return fail(said, ifAllowed)
  if (!isOutage(finding)) return ok(said)
  const isLimited = finding.outcome.status === 429
  return fail(said, isLimited ? changeFor(finding) : `answer 400 to ${what}, and do not fail on it`)
}

/** Whether the answer to the valid key names its principal. Reports faults by attribute name, never by value. */
export function judgeIdentity({ outcome, view }: Finding, key: string): Judgment {
  if (!view.passes) return skipped('the good key was not allowed')
  const wrapper = describeView(view)
  if (view.isNamed) return ok({ did: 'names a principal', wrapper })
  const wrong = faultsOf(outcome, key)
  if (wrong.length > 0) {
    const change = `correct these: ${wrong.slice(0, MOST_FAULTS).join('; ')}`
    return fail({ did: 'sends a faulty identity', wrapper }, change)
  }
  const did = outcome.body === undefined ? 'sends an unreadable body' : 'names no principal'
  const change =
    'answer {"principal": "...", "attributes": {"...": ["..."]}} to name the owner of the key'
  return note({ did, wrapper }, change)
}

function faultsOf({ body, headers }: ProbeOutcome, key: string): readonly string[] {
  if (body === undefined) return []
  const wrong: string[] = []
  const onFault = (fault: IdentityFault): void => void wrong.push(faultMessage(fault, key))
  const json = parseBody({ state: 'complete', text: body }, headers, onFault)
  parseBodyIdentity(json, readName(json, 'tenant'), onFault)
  return wrong
}

function changeFor({ outcome, obstacle }: Finding): string {
  if (obstacle !== undefined) return obstacle.change
  if (isRedirect(outcome)) return NO_REDIRECT
  if (outcome.status >= 500) return 'answer 200 or 401: a 5xx is taken for an outage'
  return CHANGES[outcome.status] ?? ANSWER_200
}

/** Whether the wrapper may cache the answer. */
function isVerdict({ status }: ProbeOutcome): boolean {
  return [200, 401, 403].includes(status)
}

const SLOW_MS = 1000
const HOUR_MS = 3_600_000

export function judgeSpeed(findings: readonly Finding[], isTimeUp: boolean): Judgment {
  const slowest = Math.round(Math.max(...findings.map(({ outcome }) => outcome.durationMs)))
  const said = { did: `slowest: ${slowest} ms`, wrapper: 'waits' }
  if (slowest < SLOW_MS && !isTimeUp) return ok(said)
  const change =
    'answer within about 100 ms: each request without a cached decision waits this long'
  if (!isTimeUp) return note(said, change)
  const answers = findings.length === 1 ? '1 answer' : `${findings.length} answers`
  return fail({ ...said, did: `${answers} in a minute` }, change)
}

export function judgeRedirects(findings: readonly Finding[]): Judgment {
  const count = findings.filter(({ outcome }) => isRedirect(outcome)).length
  if (count === 0) return ok({ did: 'none', wrapper: 'follows none' })
  const said = { did: `${count} of ${findings.length}`, wrapper: 'rejects: denied' }
  return fail(said, 'answer 400 or 401 instead of a redirect, such as one to a login page')
}

export function judgeCacheControl(finding: Finding | undefined): Judgment {
  if (finding === undefined || !isVerdict(finding.outcome)) return skipped('there was no verdict')
  const { maxAgeMs } = parseCacheControl(finding.outcome.headers.get('cache-control'))
  if (maxAgeMs === undefined) {
    const change = 'send "Cache-Control: max-age=30" to limit how long a decision is cached'
    return note({ did: 'says nothing', wrapper: 'obeys the option "cache"' }, change)
  }
  if (maxAgeMs === 0) {
    const change =
      'send "max-age" in seconds if a decision may be cached: now every request calls the endpoint'
    return note({ did: 'forbids caching', wrapper: 'does not cache it' }, change)
  }
  const most = maxAgeMs <= HOUR_MS ? 'at most that' : 'up to 1 h'
  return ok({ did: `max-age of ${maxAgeMs / 1000} s`, wrapper: `caches it for ${most}` })
}

type Said = Pick<Judgment, 'did' | 'wrapper'>

function describe({ outcome, view }: Finding): Said {
  return { did: describeOutcome(outcome), wrapper: describeView(view) }
}

function ok(said: Said): Judgment {
  return { ...said, result: 'ok' }
}

function note(said: Said, change: string): Judgment {
  return { ...said, result: 'note', change }
}

function fail(said: Said, change: string): Judgment {
  return { ...said, result: 'fail', change }
}
