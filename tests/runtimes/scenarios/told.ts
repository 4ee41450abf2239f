import { ALICE, bearer, handled, question } from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Scenario } from '../scenario.ts'

/** The content of a call to the endpoint, by the options of the guard. */
export const TOLD: readonly Scenario[] = [
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
    name: 'sends parameters with the names of object properties',
    request: {
      target: '/chats?__proto__=z&constructor=y&__proto__[a]=1',
      headers: bearer(TOKEN),
    },
    expected: handled(
      ALICE,
      question(TOKEN, {
        params: JSON.parse('{"__proto__":"z","constructor":"y","__proto__[a]":"1"}') as object,
      }),
    ),
  },
  {
    name: 'sends broken percent-encoding as a handler reads it',
    request: { target: '/chats?a=%zz&b=%&c=%FF&d=x+y;z', headers: bearer(TOKEN) },
    expected: handled(
      ALICE,
      question(TOKEN, { params: { a: '%zz', b: '%', c: '\uFFFD', d: 'x y;z' } }),
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
    name: 'sends a path with broken percent-encoding unchanged',
    request: { target: '/a%zz%', headers: bearer(TOKEN) },
    expected: handled(ALICE, question(TOKEN, { path: '/a%zz%' })),
  },
  {
    name: 'sends only the listed headers, lists of parameters and the method',
    profile: 'sources',
    request: {
      method: 'DELETE',
      target: '/chats/7?page=1&tag=x&tag=y',
      headers: { 'X-Api-Key': TOKEN, 'x-team': 'red', 'X-Other': 'untold' },
    },
    expected: handled(ALICE, {
      api_key: TOKEN,
      request: {
        path: '',
        params: { page: ['1'], tag: ['x', 'y'] },
        headers: { 'x-team': 'red' },
        method: 'DELETE',
      },
    }),
  },
  {
    name: 'sends no headers and no parameters if the options say so',
    profile: 'cached',
    request: { target: '/chats?page=1', headers: { ...bearer(TOKEN), 'X-Team': 'red' } },
    expected: handled(ALICE, question(TOKEN, { headers: {} })),
  },
]
