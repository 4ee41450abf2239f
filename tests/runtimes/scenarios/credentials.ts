import { ALICE, handled, unauthorized, withRealm } from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Asked, Scenario } from '../scenario.ts'

// RFC 9110 §5.6.4: a quoted-string escapes its quotes.
const REALM = 'say \\"friend\\"'
const SOURCES = 'x-api-key header, session cookie or WebSocket protocol key.*'
const missing = withRealm(REALM, unauthorized('missing_credentials', `Missing ${SOURCES}`))
const malformed = malformedBecause(`Invalid ${SOURCES}`)
const conflicting = malformedBecause('The request has two different tokens')

/** The call to the endpoint is the same for every source of the token. */
const asked: Asked = {
  api_key: TOKEN,
  request: { path: '', params: {}, headers: {}, method: 'GET' },
}

const ACCEPTED: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['takes the token from a header', { 'X-Api-Key': TOKEN }],
  ['takes the token from a cookie', { Cookie: `theme=dark; session=${TOKEN}; lang=en` }],
  [
    'takes the token from a WebSocket subprotocol',
    { 'Sec-WebSocket-Protocol': `chat, key.${TOKEN}` },
  ],
  ['takes the same token from two sources', { 'X-Api-Key': TOKEN, Cookie: `session=${TOKEN}` }],
]

const REFUSED: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['rejects a request without a token in any source', {}],
  ['rejects a token outside the configured sources', { Authorization: `Bearer ${TOKEN}` }],
  ['rejects a cookie of another name', { Cookie: `xsession=${TOKEN}; session2=${TOKEN}` }],
  ['rejects a subprotocol without the prefix', { 'Sec-WebSocket-Protocol': `chat, ${TOKEN}` }],
]

const MALFORMED: readonly (readonly [
  name: string,
  headers: Record<string, string | readonly string[]>,
])[] = [
  ['rejects two headers with a token', { 'X-Api-Key': [TOKEN, 'wrong'] }],
  ['rejects two cookies with a token', { Cookie: `session=${TOKEN}; session=wrong` }],
  ['rejects an empty cookie', { Cookie: 'session=' }],
]

/** The source of the token, and the realm in a rejection. */
export const CREDENTIALS: readonly Scenario[] = [
  ...ACCEPTED.map(([name, headers]) => create(name, headers, handled(ALICE, asked))),
  ...REFUSED.map(([name, headers]) => create(name, headers, missing)),
  ...MALFORMED.map(([name, headers]) => create(name, headers, malformed)),
  create('rejects two tokens', { 'X-Api-Key': TOKEN, Cookie: 'session=other' }, conflicting),
]

function malformedBecause(message: string): Scenario['expected'] {
  return withRealm(REALM, unauthorized('malformed_credentials', message), 'invalid_token')
}

function create(
  name: string,
  headers: Record<string, string | readonly string[]>,
  expected: Scenario['expected'],
): Scenario {
  return { name, profile: 'sources', request: { target: '/chats', headers }, expected }
}
