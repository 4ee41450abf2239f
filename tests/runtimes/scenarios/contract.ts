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

const MISSING: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['A-H8 refuses an empty Authorization header', { Authorization: '' }],
  ['A-H18 refuses another scheme', { Authorization: 'Basic Z29vZDpnb29k' }],
  ['A-H18 refuses a key in Proxy-Authorization', { 'Proxy-Authorization': `Bearer ${TOKEN}` }],
  [
    'A-H19 refuses a header that once meant a bypass (Next.js CVE-2025-29927)',
    { 'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware' },
  ],
]

const MALFORMED: readonly (readonly [name: string, authorization: string])[] = [
  ['A-H3 refuses a list in one Authorization header', `Bearer ${TOKEN}, Bearer ${TOKEN}`],
  ['A-H5 refuses a tab in place of the blank', `Bearer\tgood`],
  ['A-H8 refuses Bearer without a token (capsule-proxy: an empty token passed)', 'Bearer'],
  ['A-H9 refuses a quoted token', `Bearer "${TOKEN}"`],
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
    request: { target: `/chats?access_token=${TOKEN}` },
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
    request: { target: '/chats', headers: { Authorization: [`Bearer ${TOKEN}`, 'Bearer wrong'] } },
    expected: malformed,
    deviations: [
      {
        servers: ['edge-runtime'],
        cause: 'It makes the Request of what node:http keeps, which is the first of the two.',
        expected: handled(ALICE, question(TOKEN)),
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
    request: { target: '/chats', headers: bearer(TOKEN) },
    expected: handled(ALICE, question(TOKEN)),
  },
  {
    name: 'calls the handler for HEAD',
    request: { method: 'HEAD', target: '/chats', headers: bearer(TOKEN) },
    expected: withoutBody(handled(ALICE, question(TOKEN))),
  },
  {
    name: 'R1 takes the scheme in any case',
    request: { target: '/chats', headers: { Authorization: `bEaReR ${TOKEN}` } },
    expected: handled(ALICE, question(TOKEN, { headers: { authorization: `bEaReR ${TOKEN}` } })),
  },
  {
    name: 'A-H6 takes two blanks for one',
    request: { target: '/chats', headers: { Authorization: `Bearer  ${TOKEN}` } },
    expected: handled(ALICE, question(TOKEN, { headers: { authorization: `Bearer  ${TOKEN}` } })),
  },
  {
    name: 'passes on what the handler answers, its own refusal included',
    request: { target: '/own-refusal', headers: bearer(TOKEN) },
    expected: {
      ...answered('not yours', question(TOKEN, { path: '/own-refusal' })),
      status: 401,
      fields: { 'x-own': 'yes', 'www-authenticate': undefined, 'cache-control': undefined },
    },
  },
  {
    name: 'A-O4 leaves to the server what the handler throws, and calls it once',
    request: { target: '/throws', headers: bearer(TOKEN) },
    expected: {
      status: 500,
      fields: { 'www-authenticate': undefined },
      handled: true,
      asked: [question(TOKEN, { path: '/throws' })],
    },
  },
  {
    name: 'passes on the parameters that a router finds in the path',
    request: { target: '/items/42', headers: bearer(TOKEN) },
    expected: handled({ ...ALICE, id: '42' }, question(TOKEN, { path: '/items/42' })),
  },
  {
    name: 'A-E30 refuses who is answered 429',
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: { status: 429, headers: { 'retry-after': '7' } },
    expected: withQuestion(unauthorized('rate_limited', FAILED), question(TOKEN)),
  },
  {
    name: 'refuses who is answered 500, and asks once',
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: { status: 500, body: 'a bug' },
    expected: withQuestion(unauthorized('service_error', FAILED), question(TOKEN)),
  },
  {
    name: 'refuses everybody when no endpoint is configured',
    request: { target: '/chats', headers: bearer(TOKEN) },
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
