import { TOKEN } from '../../support/token.ts'
import {
  ALICE,
  answered,
  bearer,
  denied,
  handled,
  malformed,
  malformedTarget,
  missing,
  notConfigured,
  question,
  timedOut,
  unreachable,
  withoutBody,
  withQuestion,
} from './scenario.ts'
import type { Asked, Scenario, Step } from './scenario.ts'

const GOOD = { target: '/chats', headers: bearer(TOKEN) }
const KEY_OF_WEBSOCKET = 'dGhlIHNhbXBsZSBub25jZQ=='

/**
 * Requests with a working endpoint, as far as the runtime builds the Request, sends the Response and calls the handler.
 * `raw-requests` sends many more headers, paths and queries.
 */
const CONTRACT: readonly Scenario[] = [
  {
    name: 'rejects a request without a token and does not call the endpoint',
    request: { target: '/chats' },
    expected: missing,
  },
  {
    name: 'answers HEAD without a token with the same head and no body',
    request: { method: 'HEAD', target: '/chats' },
    expected: withoutBody(missing),
  },
  {
    name: 'rejects two Authorization headers (Envoy CVE-2021-32777)',
    request: { target: '/chats', headers: { Authorization: [`Bearer ${TOKEN}`, 'Bearer wrong'] } },
    expected: malformed,
    // It builds the Request from `headers` of node:http, which holds the first of the two.
    deviation: { servers: ['edge-runtime'], expected: handled(ALICE, question(TOKEN)) },
  },
  {
    name: 'rejects a token that the endpoint denies',
    request: { target: '/chats', headers: bearer('wrong') },
    expected: withQuestion(denied, question('wrong')),
  },
  {
    name: 'rejects a POST with a body that the endpoint denies',
    profile: 'cached',
    request: { method: 'POST', target: '/echo', headers: bearer('wrong'), body: 'upload' },
    expected: withQuestion(denied, question('wrong', { path: '/echo', headers: {} })),
  },
  {
    name: 'calls the handler with the identity from the endpoint',
    request: GOOD,
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'calls the handler for HEAD',
    request: { method: 'HEAD', ...GOOD },
    expected: withoutBody(handled(ALICE, question(TOKEN))),
  },
  {
    name: 'passes the response of the handler on, also its own 401',
    request: { target: '/own-refusal', headers: bearer(TOKEN) },
    expected: {
      ...answered('not yours', question(TOKEN, { path: '/own-refusal' })),
      status: 401,
      fields: { 'x-own': 'yes', 'www-authenticate': undefined, 'cache-control': undefined },
    },
  },
  {
    name: 'passes an error of the handler on to the server, and calls the handler once',
    request: { target: '/throws', headers: bearer(TOKEN) },
    expected: {
      status: 500,
      fields: { 'www-authenticate': undefined },
      handled: true,
      asked: [question(TOKEN, { path: '/throws' })],
    },
  },
  {
    name: 'passes the parameters on that a router finds in the path',
    request: { target: '/items/42', headers: bearer(TOKEN) },
    expected: handled({ ...ALICE, id: '42' }, question(TOKEN, { path: '/items/42' })),
  },
  {
    name: 'rejects every request when no endpoint is configured',
    request: GOOD,
    endpoint: 'absent',
    expected: notConfigured,
  },
  {
    name: 'rejects a WebSocket upgrade without a token',
    request: {
      target: '/socket',
      headers: {
        connection: 'Upgrade, close',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': KEY_OF_WEBSOCKET,
      },
    },
    expected: missing,
  },
  {
    name: 'rejects a preflight by default',
    request: {
      method: 'OPTIONS',
      target: '/chats',
      headers: { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' },
    },
    expected: missing,
  },
  {
    name: 'sends path, parameters and headers, but no cookie',
    request: {
      method: 'DELETE',
      target: '/%63hats/a%2Fb?page=1&tag=x&tag=y&empty=',
      headers: {
        ...bearer(TOKEN),
        'X-Team': ['red', 'blue'],
        Cookie: 'session=secret',
        'Proxy-Authorization': 'Basic secret',
      },
    },
    expected: handled(
      ALICE,
      question(TOKEN, {
        path: '/chats/a%2Fb',
        params: { page: '1', tag: ['x', 'y'], empty: '' },
        headers: { authorization: `Bearer ${TOKEN}`, 'x-team': 'red, blue' },
      }),
    ),
  },
  {
    name: 'needs no token below a public prefix',
    profile: 'strict',
    request: { target: '/public/css/site.css?deep=1', headers: bearer('wrong') },
    expected: handled({}),
  },
  {
    name: 'needs no token for a public method',
    profile: 'strict',
    request: { method: 'POST', target: '/hooks/push', body: '{}' },
    expected: handled({}),
  },
  {
    name: 'needs a token for dots that leave a public path',
    profile: 'strict',
    request: { target: '/public/../admin' },
    expected: missing,
    // The others resolve the path to `/admin` before the guard sees it.
    deviation: { servers: ['deno', 'workerd'], expected: malformedTarget },
  },
  {
    name: 'needs a token for a path that begins with two slashes',
    profile: 'strict',
    request: { target: '//x/public/logo' },
    expected: missing,
    // It takes the text after two slashes for the host, so the path is `/public/logo`.
    deviation: { servers: ['edge-runtime'], expected: handled({}) },
  },
]

const told = question(TOKEN, { headers: {} })
const firstStep: Step = { request: GOOD, expected: handled(ALICE, told) }
const LONGER = `${TOKEN}-and-more`

/**
 * The outcome of a call by the `fetch`, the timers and the hashes of a runtime. `endpoint-faults` has many more answers, and
 * the histories what is cached.
 */
const CALLS: readonly Scenario[] = [
  {
    name: 'denies on a 307 from the endpoint, and does not follow it',
    request: { target: '/chats', headers: bearer('redirect') },
    expected: withQuestion(denied, question('redirect')),
  },
  {
    name: 'repeats the call when the connection is lost',
    request: GOOD,
    endpoint: [{ then: 'reset' }, { status: 200, body: JSON.stringify(ALICE) }],
    expected: handled(ALICE, question(TOKEN), question(TOKEN)),
  },
  {
    name: 'rejects a request when the endpoint does not answer',
    profile: 'strictInHaste',
    request: GOOD,
    endpoint: [{ then: 'hang' }],
    expected: withQuestion(timedOut, question(TOKEN)),
  },
  {
    name: 'rejects a request when the endpoint is down',
    profile: 'strict',
    request: GOOD,
    endpoint: 'stopped',
    expected: unreachable,
  },
  {
    name: 'answers the second request with a token from the cache',
    profile: 'cached',
    before: firstStep,
    request: GOOD,
    expected: handled(ALICE),
  },
  {
    name: 'calls the endpoint again for a token with the same beginning (LiteLLM CVE-2026-35030)',
    profile: 'cached',
    before: firstStep,
    request: { target: '/chats', headers: bearer(LONGER) },
    expected: withQuestion(denied, question(LONGER, { headers: {} })),
  },
  {
    name: 'shares one call between twenty requests at once',
    request: GOOD,
    times: 20,
    // Long enough for all of them to arrive. After 2500 ms one that waits asks for itself.
    endpoint: [{ status: 200, body: JSON.stringify(ALICE), delayMs: 1500 }],
    expected: handled(ALICE, question(TOKEN)),
  },
]

const LARGE = `${'0123456789abcdef'.repeat(65_536)}END`

/** Request bodies and response bodies pass unchanged. */
const BODIES: readonly Scenario[] = [
  {
    name: 'sends a response of a megabyte',
    profile: 'cached',
    request: { target: '/large', headers: bearer(TOKEN) },
    expected: answered(LARGE, toldOf('/large')),
  },
  {
    name: 'leaves an upload to the handler',
    profile: 'cached',
    request: { method: 'POST', target: '/echo', headers: bearer(TOKEN), body: LARGE },
    expected: answered(LARGE, toldOf('/echo')),
  },
  {
    name: 'leaves an upload in chunks to the handler',
    profile: 'cached',
    request: {
      method: 'PUT',
      target: '/echo',
      headers: bearer(TOKEN),
      body: ['first, ', 'and \u00fc\u{1f511}, ', 'and last'],
    },
    expected: answered('first, and \u00fc\u{1f511}, and last', toldOf('/echo')),
  },
  {
    name: 'rejects an upload without a token',
    request: { method: 'POST', target: '/echo', body: ['some', 'thing'] },
    expected: missing,
  },
]

/** The steps that a runtime could do otherwise. */
export const SCENARIOS: readonly Scenario[] = [...CONTRACT, ...CALLS, ...BODIES]

function toldOf(path: string): Asked {
  return question(TOKEN, { path, headers: {} })
}
