import { ALICE, bearer, denied, handled, missing, question, withQuestion } from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Scenario } from '../scenario.ts'

const CORS = { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' }
const asTold = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
const preflight = (headers: Readonly<Record<string, string>> = {}): Scenario['request'] => ({
  method: 'OPTIONS',
  target: '/chats',
  headers: { ...CORS, ...headers },
})
const asked = (token: string): ReturnType<typeof question> =>
  question(token, { headers: { authorization: `Bearer ${token}`, ...asTold } })

/** CORS preflights, which browsers send without a key. */
export const PREFLIGHT: readonly Scenario[] = [
  {
    name: 'refuses a preflight by default',
    request: preflight(),
    expected: missing,
  },
  {
    name: 'calls the handler for a preflight where that is allowed, and asks nobody',
    profile: 'unavailable',
    request: preflight(),
    expected: handled({}),
  },
  {
    name: 'asks about a preflight with a key like about any request',
    profile: 'unavailable',
    request: preflight(bearer(TOKEN)),
    expected: handled(ALICE, asked(TOKEN)),
  },
  {
    name: 'refuses a preflight whose key is denied',
    profile: 'unavailable',
    request: preflight(bearer('wrong')),
    expected: withQuestion(denied, asked('wrong')),
  },
  {
    name: 'refuses a preflight with a cookie, which no browser sends',
    profile: 'unavailable',
    request: preflight({ Cookie: `session=${TOKEN}` }),
    expected: missing,
  },
  {
    name: 'refuses OPTIONS that is no preflight',
    profile: 'unavailable',
    request: { method: 'OPTIONS', target: '/chats', headers: { Origin: CORS.Origin } },
    expected: missing,
  },
  {
    name: 'refuses another method that looks like a preflight',
    profile: 'unavailable',
    request: { target: '/chats', headers: CORS },
    expected: missing,
  },
]
