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

/** CORS preflights, which browsers send without a token. */
export const PREFLIGHT: readonly Scenario[] = [
  {
    name: 'rejects a preflight by default',
    request: preflight(),
    expected: missing,
  },
  {
    name: 'calls the handler for a preflight with `preflight: allow`, without the endpoint',
    profile: 'unavailable',
    request: preflight(),
    expected: handled({}),
  },
  {
    name: 'calls the endpoint for a preflight with a token',
    profile: 'unavailable',
    request: preflight(bearer(TOKEN)),
    expected: handled(ALICE, asked(TOKEN)),
  },
  {
    name: 'rejects a preflight with a denied token',
    profile: 'unavailable',
    request: preflight(bearer('wrong')),
    expected: withQuestion(denied, asked('wrong')),
  },
  {
    name: 'rejects a preflight with a cookie, which no browser sends',
    profile: 'unavailable',
    request: preflight({ Cookie: `session=${TOKEN}` }),
    expected: missing,
  },
  {
    name: 'rejects OPTIONS without the headers of a preflight',
    profile: 'unavailable',
    request: { method: 'OPTIONS', target: '/chats', headers: { Origin: CORS.Origin } },
    expected: missing,
  },
  {
    name: 'rejects another method with the headers of a preflight',
    profile: 'unavailable',
    request: { target: '/chats', headers: CORS },
    expected: missing,
  },
]
