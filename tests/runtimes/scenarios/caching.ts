import { ALLOW } from './answers.ts'
import {
  ALICE,
  FAILED,
  bearer,
  denied,
  handled,
  question,
  unauthorized,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Asked, Scenario, Step } from '../scenario.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

const request = { target: '/chats', headers: bearer(TOKEN) }
const service = withQuestion(unauthorized('service_error', FAILED), told(TOKEN))
const letIn = handled(ALICE, told(TOKEN))
const keptIn = handled(ALICE)
// In the order of the keys in the JSON of the handler.
const staleIn = handled(
  { attributes: ALICE.attributes, principal: 'alice', stale: true },
  told(TOKEN),
)

const firstStep: Step = { request, expected: letIn }
// The least that the endpoint can say, plus what a lifetime may vary.
const EXPIRED_MS = 1300
const soonExpired: EndpointAnswer = withCacheControl('max-age=1')

/** What is kept and shared, and what is not. */
export const CACHING: readonly Scenario[] = [
  cached('asks nobody for the second request with a token', {
    before: [firstStep],
    request,
    expected: keptIn,
  }),
  cached('A-K7 takes another spelling of the header for the same', {
    before: [firstStep],
    request: { target: '/chats', headers: { Authorization: `bearer   ${TOKEN} \t ` } },
    expected: keptIn,
  }),
  cached('asks nobody about a token that was denied', {
    before: [{ request: wrong(), expected: withQuestion(denied, told('wrong')) }],
    request: wrong(),
    expected: denied,
  }),
  cached('A-K1 asks again for another path (zmartzone/lua-resty-openidc#399)', {
    before: [firstStep],
    request: { ...request, target: '/admin' },
    expected: handled(ALICE, told(TOKEN, '/admin')),
  }),
  cached('A-K4 asks again for a token with the same beginning (LiteLLM CVE-2026-35030)', {
    before: [firstStep],
    request: { target: '/chats', headers: bearer(`${TOKEN}-and-more`) },
    expected: withQuestion(denied, told(`${TOKEN}-and-more`)),
  }),
  cached('R23 keeps nothing that the endpoint forbids to keep', {
    before: [firstStep],
    request,
    endpoint: withCacheControl('no-store'),
    expected: letIn,
  }),
  cached('A-K12 keeps nothing of a failure', {
    before: [{ request, expected: service }],
    request,
    endpoint: [{ status: 500 }, ALLOW],
    expected: letIn,
  }),
  cached('A-K12 keeps no denial that says nothing about the token', {
    before: [{ request, expected: withQuestion(denied, told(TOKEN)) }],
    request,
    endpoint: [{ status: 404 }, ALLOW],
    expected: letIn,
  }),
  cached('R24 lets in on an allow that has just expired while the endpoint fails', {
    before: [firstStep],
    request,
    afterMs: EXPIRED_MS,
    endpoint: [soonExpired, { status: 503 }],
    expected: staleIn,
  }),
  cached('A-K14 ends that with the first denial', {
    before: [
      firstStep,
      { request, afterMs: EXPIRED_MS, expected: withQuestion(denied, told(TOKEN)) },
    ],
    request,
    endpoint: [soonExpired, { status: 404 }, { status: 503 }],
    expected: service,
  }),
  {
    name: 'asks once for all paths where no path is told',
    profile: 'sources',
    before: [{ request: withKey('/one'), expected: handled(ALICE, toldByMethod('GET')) }],
    request: withKey('/two'),
    expected: keptIn,
  },
  {
    name: 'asks again for another method where it is told',
    profile: 'sources',
    before: [{ request: withKey('/one'), expected: handled(ALICE, toldByMethod('GET')) }],
    request: { ...withKey('/one'), method: 'DELETE' },
    expected: handled(ALICE, toldByMethod('DELETE')),
  },
  {
    name: 'keeps nothing by default',
    before: [{ request, expected: handled(ALICE, question(TOKEN)) }],
    request,
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'A-C6 asks once for twenty requests that come at once',
    request,
    times: 20,
    // Long enough for all of them to come in the meantime.
    endpoint: { ...ALLOW, delayMs: 1500 },
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'A-C6 asks once for twenty requests that come at once and are refused',
    request,
    times: 20,
    endpoint: { status: 403, delayMs: 1500 },
    expected: withQuestion(denied, question(TOKEN)),
  },
  {
    name: 'R23 asks for each of those that come at once if the endpoint forbids to share',
    request,
    times: 3,
    endpoint: { ...withCacheControl('no-store'), delayMs: 300 },
    expected: handled(ALICE, question(TOKEN), question(TOKEN), question(TOKEN)),
  },
]

function cached(name: string, scenario: Omit<Scenario, 'name' | 'profile'>): Scenario {
  return { name, profile: 'cached', ...scenario }
}

function withCacheControl(value: string): EndpointAnswer {
  return { ...ALLOW, headers: { ...ALLOW.headers, 'cache-control': value } }
}

function wrong(): Step['request'] {
  return { target: '/chats', headers: bearer('wrong') }
}

function told(token: string, path = '/chats'): Asked {
  return question(token, { path, headers: {} })
}

function withKey(target: string): Step['request'] {
  return { target, headers: { 'X-Api-Key': TOKEN } }
}

function toldByMethod(method: string): Asked {
  return { api_key: TOKEN, request: { path: '', params: {}, headers: {}, method } }
}
