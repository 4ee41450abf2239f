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

const firstStep: Step = { request, expected: letIn }
// The shortest lifetime that an endpoint can name, plus the variation of a lifetime.
const EXPIRED_MS = 1300
const soonExpired: EndpointAnswer = withCacheControl('max-age=1')

/** Which decisions are cached or shared, and which are not. */
export const CACHING: readonly Scenario[] = [
  cached('answers the second request with a token from the cache', {
    before: [firstStep],
    request,
    expected: keptIn,
  }),
  cached('finds the cached decision for another spelling of the header', {
    before: [firstStep],
    request: { target: '/chats', headers: { Authorization: `bearer   ${TOKEN} \t ` } },
    expected: keptIn,
  }),
  cached('denies a denied token again from the cache', {
    before: [{ request: wrong(), expected: withQuestion(denied, told('wrong')) }],
    request: wrong(),
    expected: denied,
  }),
  cached('calls the endpoint again for another path (zmartzone/lua-resty-openidc#399)', {
    before: [firstStep],
    request: { ...request, target: '/admin' },
    expected: handled(ALICE, told(TOKEN, '/admin')),
  }),
  cached('calls the endpoint again for a token with the same beginning (LiteLLM CVE-2026-35030)', {
    before: [firstStep],
    request: { target: '/chats', headers: bearer(`${TOKEN}-and-more`) },
    expected: withQuestion(denied, told(`${TOKEN}-and-more`)),
  }),
  cached('caches no decision with `no-store`', {
    before: [firstStep],
    request,
    endpoint: withCacheControl('no-store'),
    expected: letIn,
  }),
  cached('caches no failure', {
    before: [{ request, expected: service }],
    request,
    endpoint: [{ status: 500 }, ALLOW],
    expected: letIn,
  }),
  cached('caches a denial only for a status about the token', {
    before: [{ request, expected: withQuestion(denied, told(TOKEN)) }],
    request,
    endpoint: [{ status: 404 }, ALLOW],
    expected: letIn,
  }),
  cached('allows on a just expired decision while the endpoint fails', {
    before: [firstStep],
    request,
    afterMs: EXPIRED_MS,
    endpoint: [soonExpired, { status: 503 }],
    expected: handled({ ...ALICE, stale: true }, told(TOKEN)),
  }),
  cached('stops allowing on an expired decision after a denial', {
    before: [
      firstStep,
      { request, afterMs: EXPIRED_MS, expected: withQuestion(denied, told(TOKEN)) },
    ],
    request,
    endpoint: [soonExpired, { status: 404 }, { status: 503 }],
    expected: service,
  }),
  {
    name: 'calls the endpoint once for all paths if the path is left out',
    profile: 'sources',
    before: [{ request: withKey('/one'), expected: handled(ALICE, toldByMethod('GET')) }],
    request: withKey('/two'),
    expected: keptIn,
  },
  {
    name: 'calls the endpoint again for another method if the method is sent',
    profile: 'sources',
    before: [{ request: withKey('/one'), expected: handled(ALICE, toldByMethod('GET')) }],
    request: { ...withKey('/one'), method: 'DELETE' },
    expected: handled(ALICE, toldByMethod('DELETE')),
  },
  {
    name: 'caches nothing by default',
    before: [{ request, expected: handled(ALICE, question(TOKEN)) }],
    request,
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'shares one call between twenty requests at once',
    request,
    times: 20,
    // Long enough for all of them to arrive.
    endpoint: { ...ALLOW, delayMs: 1500 },
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'shares one denial between twenty requests at once',
    request,
    times: 20,
    endpoint: { status: 403, delayMs: 1500 },
    expected: withQuestion(denied, question(TOKEN)),
  },
  {
    name: 'repeats the call for each request at once after `no-store`',
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
