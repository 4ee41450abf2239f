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
  withoutBody,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Scenario } from '../scenario.ts'

const LONGEST = 8192

/**
 * Requests with a working endpoint, as far as the runtime builds the Request, sends the Response and calls the handler.
 * `raw-requests` sends many more headers, paths and queries.
 */
export const CONTRACT: readonly Scenario[] = [
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
    deviations: [
      {
        servers: ['edge-runtime'],
        cause:
          'It builds the Request from `headers` of node:http, which holds the first of the two.',
        expected: handled(ALICE, question(TOKEN)),
      },
    ],
  },
  {
    name: 'calls the endpoint with the longest permitted token',
    request: { target: '/chats', headers: bearer('a'.repeat(LONGEST)) },
    expected: withQuestion(denied, question('a'.repeat(LONGEST))),
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
    request: { target: '/chats', headers: bearer(TOKEN) },
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'calls the handler for HEAD',
    request: { method: 'HEAD', target: '/chats', headers: bearer(TOKEN) },
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
    request: { target: '/chats', headers: bearer(TOKEN) },
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
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
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
        'X-Team': 'red',
        Cookie: 'session=secret',
        'Proxy-Authorization': 'Basic secret',
      },
    },
    expected: handled(
      ALICE,
      question(TOKEN, {
        path: '/chats/a%2Fb',
        params: { page: '1', tag: ['x', 'y'], empty: '' },
        headers: { authorization: `Bearer ${TOKEN}`, 'x-team': 'red' },
      }),
    ),
  },
  {
    name: 'sends both values of a header that came twice',
    request: { target: '/chats', headers: { ...bearer(TOKEN), 'X-Tenant': ['a', 'b'] } },
    expected: handled(
      ALICE,
      question(TOKEN, { headers: { authorization: `Bearer ${TOKEN}`, 'x-tenant': 'a, b' } }),
    ),
  },
  {
    name: 'needs no token below a public prefix',
    profile: 'strict',
    request: { target: '/public/css/site.css?deep=1', headers: bearer('wrong') },
    expected: handled({}),
  },
  {
    name: 'answers HEAD for a public path',
    profile: 'strict',
    request: { method: 'HEAD', target: '/healthz' },
    expected: withoutBody(handled({})),
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
    deviations: [
      {
        servers: ['deno', 'workerd'],
        cause: 'The others resolve the path to `/admin` before the guard sees it.',
        expected: malformedTarget,
      },
    ],
  },
  {
    name: 'needs a token for a path that begins with two slashes',
    profile: 'strict',
    request: { target: '//x/public/logo' },
    expected: missing,
    deviations: [
      {
        servers: ['edge-runtime'],
        cause: 'It takes the text after two slashes for the host, so the path is `/public/logo`.',
        expected: handled({}),
      },
    ],
  },
]
