import {
  ALICE,
  ALLOW,
  FAILED,
  NOBODY,
  SERVICE_ERROR,
  allow,
  bearer,
  denied,
  handled,
  question,
  unauthorized,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Deviation, Scenario, Step } from '../scenario.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

const request = { target: '/chats', headers: bearer(TOKEN) }
const asked = question(TOKEN)
const PART = '{"principal":"alice"'
const KIB_64 = 65_536
// The shortest lifetime that an endpoint can name, plus the variation of a lifetime.
const EXPIRED_MS = 1300

/** A 200 whose body is of no use, so that only its status counts. */
const BODIES: readonly (readonly [name: string, EndpointAnswer, Scenario['profile']])[] = [
  ['is longer than the maximum', allow(`${PART},"padding":"${'x'.repeat(KIB_64)}"}`), 'strict'],
  ['breaks off', { ...allow(PART), then: 'reset' }, 'strict'],
  ['never ends', { ...allow(PART), then: 'drip' }, 'strictInHaste'],
]

const told = question(TOKEN, { headers: {} })
const firstStep: Step = { request, expected: handled(ALICE, told) }

/**
 * The outcome of a call by the `fetch`, the timers and the hashes of a runtime. `endpoint-faults` has many more answers, and
 * the histories what is cached.
 */
export const CALLS: readonly Scenario[] = [
  {
    name: 'denies on a 307 from the endpoint, and does not follow it',
    request,
    endpoint: { status: 307, headers: { location: '/elsewhere' } },
    expected: withQuestion(denied, asked),
  },
  {
    name: 'rejects a request after a 500 from the endpoint, without a retry',
    request,
    endpoint: { status: 500, body: 'a bug' },
    expected: withQuestion(unauthorized('service_error', FAILED), asked),
  },
  {
    name: 'repeats the call when the connection is lost',
    request,
    endpoint: [{ then: 'reset' }, ALLOW],
    expected: handled(ALICE, asked, asked),
  },
  ...BODIES.map(([name, endpoint, profile = 'strict']): Scenario => ({
    name: `allows without an identity when the body ${name}`,
    profile,
    request,
    endpoint,
    expected: handled(NOBODY, asked),
  })),
  {
    name: 'rejects a request when the endpoint does not answer',
    profile: 'strictInHaste',
    request,
    endpoint: { then: 'hang' },
    expected: withQuestion(unauthorized('timeout', SERVICE_ERROR), asked),
  },
  unreachable('is down', 'stopped'),
  unreachable('resets the connection', { then: 'reset' }),
  {
    name: 'answers the second request with a token from the cache',
    profile: 'cached',
    before: [firstStep],
    request,
    expected: handled(ALICE),
  },
  {
    name: 'calls the endpoint again for a token with the same beginning (LiteLLM CVE-2026-35030)',
    profile: 'cached',
    before: [firstStep],
    request: { target: '/chats', headers: bearer(`${TOKEN}-and-more`) },
    expected: withQuestion(denied, question(`${TOKEN}-and-more`, { headers: {} })),
  },
  {
    name: 'allows on a just expired decision while the endpoint fails',
    profile: 'cached',
    before: [firstStep],
    request,
    afterMs: EXPIRED_MS,
    endpoint: [
      { ...ALLOW, headers: { ...ALLOW.headers, 'cache-control': 'max-age=1' } },
      { status: 503 },
    ],
    expected: handled({ ...ALICE, stale: true }, told),
  },
  {
    name: 'shares one call between twenty requests at once',
    request,
    times: 20,
    // Long enough for all of them to arrive.
    endpoint: { ...ALLOW, delayMs: 1500 },
    expected: handled(ALICE, asked),
  },
]

function unreachable(name: string, endpoint: EndpointAnswer | 'stopped'): Scenario {
  const refusal = unauthorized('unreachable', SERVICE_ERROR)
  const expected = endpoint === 'stopped' ? refusal : withQuestion(refusal, asked)
  const repeats: Deviation = {
    servers: ['deno'],
    cause: 'Its fetch repeats a call by itself when a kept connection is lost.',
    expected: { ...expected, mayRepeat: true },
  }
  return {
    name: `rejects a request when the endpoint ${name}`,
    profile: 'strict',
    request,
    endpoint,
    expected,
    deviations: [repeats],
  }
}
