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
import type { Scenario } from '../scenario.ts'

const LONGEST = 8192

const MISSING: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['A-H8 refuses an empty Authorization header', { Authorization: '' }],
  ['A-H18 refuses another scheme', { Authorization: 'Basic Z29vZDpnb29k' }],
  ['A-H18 refuses a key in Proxy-Authorization', { 'Proxy-Authorization': 'Bearer good' }],
  [
    'A-H19 refuses a header that once meant a bypass (Next.js CVE-2025-29927)',
    { 'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware' },
  ],
]

const MALFORMED: readonly (readonly [name: string, authorization: string])[] = [
  ['A-H3 refuses a list in one Authorization header', 'Bearer good, Bearer good'],
  ['A-H5 refuses a tab in place of the blank', 'Bearer\tgood'],
  ['A-H8 refuses Bearer without a token (capsule-proxy: an empty token passed)', 'Bearer'],
  ['A-H9 refuses a quoted token', 'Bearer "good"'],
  ['A-H10 refuses broken percent-encoding (Auth.js GHSA-xmf8-cvqr-rfgj)', 'Bearer %%'],
  ['A-H14 refuses a token that is too long', `Bearer ${'a'.repeat(LONGEST + 1)}`],
]

/** What comes of a request whose endpoint is well. */
export const CONTRACT: readonly Scenario[] = [
  {
    name: 'refuses a request without credentials and asks nobody',
    request: { target: '/chats' },
    expected: missing,
  },
  {
    name: 'answers HEAD without credentials with the same head and no body',
    request: { method: 'HEAD', target: '/chats' },
    expected: withoutBody(missing),
  },
  {
    name: 'R28 refuses a token in the query',
    request: { target: '/chats?access_token=good' },
    expected: missing,
  },
  ...MISSING.map(([name, headers]) => ({
    name,
    request: { target: '/chats', headers },
    expected: missing,
  })),
  ...MALFORMED.map(([name, authorization]) => ({
    name,
    request: { target: '/chats', headers: { Authorization: authorization } },
    expected: malformed,
  })),
  {
    name: 'A-H1 refuses two Authorization headers (Envoy CVE-2021-32777)',
    request: { target: '/chats', headers: { Authorization: ['Bearer good', 'Bearer wrong'] } },
    expected: malformed,
    deviations: [
      {
        servers: ['edge-runtime'],
        cause: 'It makes the Request of what node:http keeps, which is the first of the two.',
        expected: handled(ALICE, question('good')),
      },
    ],
  },
  {
    name: 'asks about the longest token that there may be',
    request: { target: '/chats', headers: bearer('a'.repeat(LONGEST)) },
    expected: withQuestion(denied, question('a'.repeat(LONGEST))),
  },
  {
    name: 'refuses a token that the endpoint denies',
    request: { target: '/chats', headers: bearer('wrong') },
    expected: withQuestion(denied, question('wrong')),
  },
  {
    name: 'answers HEAD with a token that the endpoint denies with the same head and no body',
    request: { method: 'HEAD', target: '/chats', headers: bearer('wrong') },
    expected: withQuestion(withoutBody(denied), question('wrong')),
  },
  {
    name: 'refuses a POST that the endpoint denies, body and all',
    profile: 'cached',
    request: { method: 'POST', target: '/echo', headers: bearer('wrong'), body: 'upload' },
    expected: withQuestion(denied, question('wrong', { path: '/echo', headers: {} })),
  },
  {
    name: 'calls the handler with the identity that the endpoint gave',
    request: { target: '/chats', headers: bearer('good') },
    expected: handled(ALICE, question('good')),
  },
  {
    name: 'calls the handler for HEAD',
    request: { method: 'HEAD', target: '/chats', headers: bearer('good') },
    expected: withoutBody(handled(ALICE, question('good'))),
  },
  {
    name: 'R1 takes the scheme in any case',
    request: { target: '/chats', headers: { Authorization: 'bEaReR good' } },
    expected: handled(ALICE, question('good', { headers: { authorization: 'bEaReR good' } })),
  },
  {
    name: 'A-H6 takes two blanks for one',
    request: { target: '/chats', headers: { Authorization: 'Bearer  good' } },
    expected: handled(ALICE, question('good', { headers: { authorization: 'Bearer  good' } })),
  },
  {
    name: 'passes on what the handler answers, its own refusal included',
    request: { target: '/own-refusal', headers: bearer('good') },
    expected: {
      ...answered('not yours', question('good', { path: '/own-refusal' })),
      status: 401,
      fields: { 'x-own': 'yes', 'www-authenticate': undefined, 'cache-control': undefined },
    },
  },
  {
    name: 'A-O4 leaves to the server what the handler throws, and calls it once',
    request: { target: '/throws', headers: bearer('good') },
    expected: {
      status: 500,
      fields: { 'www-authenticate': undefined },
      handled: true,
      asked: [question('good', { path: '/throws' })],
    },
  },
  {
    name: 'passes on the parameters that a router finds in the path',
    request: { target: '/items/42', headers: bearer('good') },
    expected: handled({ ...ALICE, id: '42' }, question('good', { path: '/items/42' })),
  },
  {
    name: 'A-E30 refuses who is answered 429',
    request: { target: '/chats', headers: bearer('good') },
    endpoint: { status: 429, headers: { 'retry-after': '7' } },
    expected: withQuestion(unauthorized('rate_limited', FAILED), question('good')),
  },
  {
    name: 'refuses who is answered 500, and asks once',
    request: { target: '/chats', headers: bearer('good') },
    endpoint: { status: 500, body: 'a bug' },
    expected: withQuestion(unauthorized('service_error', FAILED), question('good')),
  },
  {
    name: 'refuses everybody when no endpoint is configured',
    request: { target: '/chats', headers: bearer('good') },
    endpoint: 'absent',
    expected: notConfigured,
  },
  {
    name: 'answers HEAD in the same way when no endpoint is configured',
    request: { method: 'HEAD', target: '/chats' },
    endpoint: 'absent',
    expected: withoutBody(notConfigured),
  },
  {
    name: 'refuses a WebSocket upgrade without credentials',
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
