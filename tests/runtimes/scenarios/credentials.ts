import { ALICE, handled, malformed, missing, withRealm } from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Asked, Scenario } from '../scenario.ts'

// RFC 9110 §5.6.4: a quoted-string escapes its quotes.
const REALM = 'say \\"friend\\"'
const missingThere = withRealm(REALM, missing)
const malformedThere = withRealm(REALM, malformed, 'invalid_token')

/** The same question, wherever the key was found. */
const asked: Asked = {
  api_key: TOKEN,
  request: { path: '', params: {}, headers: {}, method: 'GET' },
}

const ACCEPTED: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['takes the key from a header', { 'X-Api-Key': TOKEN }],
  ['takes the key from a cookie', { Cookie: `theme=dark; session=${TOKEN}; lang=en` }],
  [
    'takes the key from a WebSocket subprotocol',
    { 'Sec-WebSocket-Protocol': `chat, key.${TOKEN}` },
  ],
]

const REFUSED: readonly (readonly [name: string, headers: Record<string, string>])[] = [
  ['refuses a request that uses no source of the key', {}],
  ['refuses a key where it is not looked for', { Authorization: `Bearer ${TOKEN}` }],
  ['refuses a cookie of another name', { Cookie: `xsession=${TOKEN}; session2=${TOKEN}` }],
  ['refuses a subprotocol without the prefix', { 'Sec-WebSocket-Protocol': `chat, ${TOKEN}` }],
]

const MALFORMED: readonly (readonly [
  name: string,
  headers: Record<string, string | readonly string[]>,
])[] = [
  [
    'R28 refuses a key that came from two sources',
    { 'X-Api-Key': TOKEN, Cookie: `session=${TOKEN}` },
  ],
  ['A-H1 refuses two headers with a key', { 'X-Api-Key': [TOKEN, 'wrong'] }],
  ['A-H1 refuses two cookies with a key', { Cookie: `session=${TOKEN}; session=wrong` }],
  ['A-H8 refuses an empty cookie', { Cookie: 'session=' }],
]

/** Where the key comes from, and the realm that refusals name. */
export const CREDENTIALS: readonly Scenario[] = [
  ...ACCEPTED.map(([name, headers]) => create(name, headers, handled(ALICE, asked))),
  ...REFUSED.map(([name, headers]) => create(name, headers, missingThere)),
  ...MALFORMED.map(([name, headers]) => create(name, headers, malformedThere)),
]

function create(
  name: string,
  headers: Record<string, string | readonly string[]>,
  expected: Scenario['expected'],
): Scenario {
  return { name, profile: 'sources', request: { target: '/chats', headers }, expected }
}
