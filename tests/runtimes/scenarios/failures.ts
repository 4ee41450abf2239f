import { ALLOW } from './answers.ts'
import {
  ALICE,
  FAILED,
  SERVICE_ERROR,
  bearer,
  denied,
  handled,
  question,
  unauthorized,
  unavailable,
  withoutBody,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Deviation, Expected, Scenario } from '../scenario.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

const request = { target: '/chats', headers: bearer(TOKEN) }
const asked = question(TOKEN)

/** Statuses that are denials. Each comes with a `location`, which the guard must not follow. */
const DENIALS = [204, 302, 307, 403]

interface Failure {
  readonly name: string
  readonly endpoint: EndpointAnswer | 'stopped'
  readonly reason: 'timeout' | 'unreachable'
}

const FAILURES: readonly Failure[] = [
  { name: 'is down', endpoint: 'stopped', reason: 'unreachable' },
  { name: 'does not answer', endpoint: { then: 'hang' }, reason: 'timeout' },
  {
    name: 'resets the connection',
    endpoint: { then: 'reset' },
    reason: 'unreachable',
  },
]

const UNAVAILABLE: readonly (readonly [name: string, endpoint: EndpointAnswer, Expected])[] = [
  [
    'forwards the Retry-After of a 429',
    { status: 429, headers: { 'retry-after': '7' } },
    unavailable('rate_limited', '7'),
  ],
  [
    'sends a Retry-After of 1 second after a 429 without one',
    { status: 429 },
    unavailable('rate_limited'),
  ],
  [
    'limits Retry-After to 30 seconds',
    { status: 503, headers: { 'retry-after': '99999999' } },
    unavailable('service_error', '30'),
  ],
  ['answers 503 for a 500', { status: 500 }, unavailable('service_error')],
  ['answers 401 for a denial with any `unavailableStatus`', { status: 403 }, denied],
]

/** The endpoint denies, fails, or is unreachable. `endpoint-faults` has many more cases. */
export const FAILURES_OF_ENDPOINT: readonly Scenario[] = [
  ...DENIALS.map((status): Scenario => ({
    name: `denies on a ${status} from the endpoint`,
    request,
    endpoint: { status, headers: { location: '/elsewhere' } },
    expected: withQuestion(denied, asked),
  })),
  {
    name: 'rejects a request after a 503 from the endpoint',
    profile: 'strict',
    request,
    endpoint: { status: 503, headers: { 'retry-after': '7' }, body: 'down for maintenance' },
    expected: withQuestion(unauthorized('service_error', FAILED), asked),
  },
  ...FAILURES.flatMap((failure) => [
    create(failure, 'strict', unauthorized(failure.reason, SERVICE_ERROR)),
    create(failure, 'unavailable', unavailable(failure.reason)),
  ]),
  ...UNAVAILABLE.map(([name, endpoint, expected]): Scenario => ({
    name,
    profile: 'unavailable',
    request,
    endpoint,
    expected: withQuestion(expected, asked),
  })),
  {
    name: 'answers HEAD with 503 and no body',
    profile: 'unavailable',
    request: { ...request, method: 'HEAD' },
    endpoint: { status: 503 },
    expected: withQuestion(withoutBody(unavailable('service_error')), asked),
  },
  {
    name: 'repeats the call when the connection is lost',
    request,
    endpoint: [{ then: 'reset' }, ALLOW],
    expected: handled(ALICE, asked, asked),
  },
  {
    name: 'repeats the call once after a 502, and does not call the handler',
    request,
    endpoint: { status: 502 },
    expected: withQuestion(unauthorized('service_error', FAILED), asked, asked),
  },
  {
    name: 'opens the circuit when the endpoint has failed too often',
    profile: 'breaking',
    before: Array.from({ length: 10 }, () => ({
      request,
      expected: withQuestion(unavailable('service_error'), asked),
    })),
    request,
    endpoint: { status: 503 },
    expected: unavailable('circuit_open', '30'),
  },
  {
    name: 'rejects a request over the concurrency limit at once',
    profile: 'narrow',
    request,
    endpoint: { ...ALLOW, gated: true },
    expected: handled(ALICE, asked),
    meanwhile: {
      request: { ...request, target: '/other' },
      expected: unavailable('overloaded'),
    },
  },
]

function create(
  { name, endpoint, reason }: Failure,
  profile: 'strict' | 'unavailable',
  refusal: Expected,
): Scenario {
  const expected = endpoint === 'stopped' ? refusal : withQuestion(refusal, asked)
  const repeats: Deviation = {
    servers: ['deno'],
    cause: 'Its fetch repeats a call by itself when a kept connection is lost.',
    expected: { ...expected, mayRepeat: true },
  }
  return {
    name: `answers ${expected.status} when the endpoint ${name}`,
    profile: reason === 'timeout' ? `${profile}InHaste` : profile,
    request,
    endpoint,
    expected,
    deviations: reason === 'unreachable' ? [repeats] : [],
  }
}
