import {
  ALICE,
  FAILED,
  answered,
  bearer,
  denied,
  handled,
  malformed,
  missing,
  notConfigured,
  question,
  unauthorized,
  withoutBody,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Scenario } from '../scenario.ts'

const LONGEST = 8192

/** Requests with a working endpoint. `raw-requests` sends many more Authorization headers. */
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
    name: 'rejects a token in the query',
    request: { target: `/chats?access_token=${TOKEN}` },
    expected: missing,
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
    name: 'answers HEAD with a denied token with the same head and no body',
    request: { method: 'HEAD', target: '/chats', headers: bearer('wrong') },
    expected: withQuestion(withoutBody(denied), question('wrong')),
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
    name: 'accepts the scheme in any case',
    request: { target: '/chats', headers: { Authorization: `bEaReR ${TOKEN}` } },
    expected: handled(ALICE, question(TOKEN, { headers: { authorization: `bEaReR ${TOKEN}` } })),
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
    name: 'rejects a request after a 429 from the endpoint',
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: { status: 429, headers: { 'retry-after': '7' } },
    expected: withQuestion(unauthorized('rate_limited', FAILED), question(TOKEN)),
  },
  {
    name: 'rejects a request after a 500 from the endpoint, without a retry',
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: { status: 500, body: 'a bug' },
    expected: withQuestion(unauthorized('service_error', FAILED), question(TOKEN)),
  },
  {
    name: 'rejects every request when no endpoint is configured',
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: 'absent',
    expected: notConfigured,
  },
  {
    name: 'rejects HEAD in the same way when no endpoint is configured',
    request: { method: 'HEAD', target: '/chats' },
    endpoint: 'absent',
    expected: withoutBody(notConfigured),
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
]
