import { describe, expect, it } from 'vitest'
import { isPermitted, matchOf, problemsOf } from '../support/route-policy.ts'
import { ogxPermits } from '../support/ogx-policy.ts'
import type { RouteRule } from '../../src/access.ts'
import type { Attributes } from '../support/route-policy.ts'

/** The cases that OGX tests its route policy with: 18 that with-auth decides alike, and one that is an error. */

const ADMIN = { roles: ['admin'], teams: ['platform'] }
const DEVELOPER = { roles: ['developer'], teams: ['ml-team'] }
const USER = { roles: ['user'], teams: ['ml-team'] }
const NOBODY = undefined

type Answer = 'permit' | 'forbid'
type Question = readonly [path: string, user: Attributes | undefined, answer: Answer]

const DEVELOPERS_CHAT: RouteRule = {
  permit: { paths: '/v1/chat/completions' },
  when: 'user with developer in roles',
}
const ADMINS_ALL: RouteRule = { permit: { paths: '*' }, when: 'user with admin in roles' }
const ALL: RouteRule = { permit: { paths: '*' } }
const pathsOf = (...paths: string[]): readonly RouteRule[] => [{ permit: { paths } }]

const CASES: Readonly<Record<string, readonly [readonly RouteRule[], ...Question[]]>> = {
  'no policy permits every route': [[], ['/v1/chat/completions', USER, 'permit']],
  'an exact path': [
    pathsOf('/v1/chat/completions'),
    ['/v1/chat/completions', DEVELOPER, 'permit'],
    ['/v1/chat/completions/stream', DEVELOPER, 'forbid'],
    ['/v1/models/list', DEVELOPER, 'forbid'],
  ],
  'a prefix': [
    pathsOf('/v1/files*'),
    ['/v1/files/upload', NOBODY, 'permit'],
    ['/v1/files/delete', NOBODY, 'permit'],
    ['/v1/files/list/all', NOBODY, 'permit'],
    ['/v1/files', NOBODY, 'permit'],
    ['/v1/models/list', NOBODY, 'forbid'],
  ],
  'every path': [
    pathsOf('*'),
    ['/v1/chat/completions', NOBODY, 'permit'],
    ['/v1/files/upload', NOBODY, 'permit'],
    ['/admin/reset', NOBODY, 'permit'],
    ['/anything/goes', NOBODY, 'permit'],
  ],
  'several paths in a rule': [
    [{ permit: { paths: ['/v1/files*', '/v1/models*'] }, when: 'user with user in roles' }],
    ['/v1/files/upload', USER, 'permit'],
    ['/v1/models/list', USER, 'permit'],
    ['/v1/chat/completions', USER, 'forbid'],
  ],
  'a condition about roles': [
    [DEVELOPERS_CHAT],
    ['/v1/chat/completions', DEVELOPER, 'permit'],
    ['/v1/chat/completions', USER, 'forbid'],
  ],
  'an admin who may do everything': [
    [DEVELOPERS_CHAT, ADMINS_ALL],
    ['/v1/chat/completions', ADMIN, 'permit'],
    ['/v1/files/upload', ADMIN, 'permit'],
    ['/v1/admin/reset', ADMIN, 'permit'],
    ['/v1/chat/completions', DEVELOPER, 'permit'],
    ['/v1/files/upload', DEVELOPER, 'forbid'],
  ],
  'a forbid with an exception': [
    [
      { forbid: { paths: '/v1/admin*' }, unless: 'user with admin in roles' },
      { ...ADMINS_ALL, description: 'Admins' },
      { permit: { paths: '*' }, when: 'user with developer in roles', description: 'The rest' },
    ],
    ['/v1/admin/reset', DEVELOPER, 'forbid'],
    ['/v1/admin/reset', ADMIN, 'permit'],
    ['/v1/chat/completions', DEVELOPER, 'permit'],
  ],
  'a route without a rule': [
    [DEVELOPERS_CHAT],
    ['/v1/chat/completions', USER, 'forbid'],
    ['/v1/models/list', USER, 'forbid'],
  ],
  'several conditions': [
    [
      {
        permit: { paths: '*' },
        when: ['user with admin in roles', 'user with platform in teams'],
      },
    ],
    ['/v1/anything', ADMIN, 'permit'],
  ],
  'the first rule that applies': [
    [DEVELOPERS_CHAT, { forbid: { paths: '*' }, when: 'user with developer in roles' }],
    ['/v1/chat/completions', DEVELOPER, 'permit'],
    ['/v1/models/list', DEVELOPER, 'forbid'],
  ],
  'a handshake of a WebSocket, which is a GET': [
    [{ ...pathsOf('/v1/responses')[0], description: 'The handshake' }],
    ['/v1/responses', NOBODY, 'permit'],
    ['/v1/admin/reset', NOBODY, 'forbid'],
  ],
  'routes for callers without a name': [
    [
      { permit: { paths: '/v1/health' }, description: 'Health' },
      { permit: { paths: '/v1/models*' }, description: 'Models' },
    ],
    ['/v1/health', NOBODY, 'permit'],
    ['/v1/models/list', NOBODY, 'permit'],
    ['/v1/chat/completions', NOBODY, 'forbid'],
    ['/v1/admin/reset', NOBODY, 'forbid'],
  ],
  'a forbid for callers without a name': [
    [{ forbid: { paths: '/v1/admin*' } }, ALL],
    ['/v1/admin/reset', NOBODY, 'forbid'],
    ['/v1/admin/users', NOBODY, 'forbid'],
    ['/v1/chat/completions', NOBODY, 'permit'],
    ['/v1/models/list', NOBODY, 'permit'],
  ],
  'a condition needs a caller': [[ADMINS_ALL], ['/v1/chat/completions', NOBODY, 'forbid']],
  'rules with conditions and without': [
    [
      { permit: { paths: ['/v1/health', '/v1/version'] } },
      { permit: { paths: '/v1/admin*' }, when: 'user with admin in roles' },
    ],
    ['/v1/health', NOBODY, 'permit'],
    ['/v1/version', NOBODY, 'permit'],
    ['/v1/admin/reset', NOBODY, 'forbid'],
    ['/v1/admin/reset', ADMIN, 'permit'],
    ['/v1/admin/reset', USER, 'forbid'],
    ['/v1/chat/completions', NOBODY, 'forbid'],
    ['/v1/chat/completions', ADMIN, 'forbid'],
    ['/v1/chat/completions', USER, 'forbid'],
  ],
  'regular expressions among other patterns': [
    pathsOf('/v1/models*', 'regex:/v1/(chat|inference)/.*', String.raw`regex:/v1/files/\d+`),
    ['/v1/chat/completions', NOBODY, 'permit'],
    ['/v1/inference/run', NOBODY, 'permit'],
    ['/v1/models/list', NOBODY, 'permit'],
    ['/v1/files/123', NOBODY, 'permit'],
    ['/v1/other/endpoint', NOBODY, 'forbid'],
    ['/v2/chat/completions', NOBODY, 'forbid'],
  ],
  'a policy of regular expressions': [
    [
      {
        permit: { paths: 'regex:/v1/(chat|inference)/.*' },
        when: 'user with developer in roles',
      },
      { permit: { paths: String.raw`regex:/v1/files/\d+` }, when: 'user with user in roles' },
    ],
    ['/v1/chat/completions', DEVELOPER, 'permit'],
    ['/v1/inference/run', DEVELOPER, 'permit'],
    ['/v1/files/123', DEVELOPER, 'forbid'],
    ['/v1/files/123', USER, 'permit'],
    ['/v1/files/456', USER, 'permit'],
    ['/v1/files/upload', USER, 'forbid'],
    ['/v1/chat/completions', USER, 'forbid'],
  ],
}

const ROWS = Object.entries(CASES).flatMap(([name, [rules, ...questions]]) =>
  questions.map(([path, user, expected]) => ({ name, rules, path, user, expected })),
)

describe('OGX tests', () => {
  it.each(ROWS)('$name: $path, $expected', ({ rules, path, user, expected }) => {
    const decided = [ogxPermits(rules, path, user), isPermitted(rules, path, user)]
    expect(decided).toEqual(expected === 'permit' ? [true, true] : [false, false])
  })
})

describe('OGX tests a broken expression', () => {
  it.each(['regex:**', 'regex:(?P<invalid', 'regex:[z-a]'])(
    'and ignores %s, which is an error here',
    (pattern) => {
      const rules = [{ forbid: { paths: pattern } }, ALL]
      expect(ogxPermits(rules, '/v1/chat/completions', undefined)).toBe(true)
      expect(problemsOf(rules)).toHaveLength(1)
    },
  )

  it('so its table has 19 cases', () => {
    expect(Object.keys(CASES)).toHaveLength(18)
  })
})

/** Where OGX is open, and with-auth is closed. */
describe.each<[why: string, rules: readonly RouteRule[], path: string, user?: Attributes]>([
  [
    'an encoded slash hides the forbidden path from the decoded form',
    [{ forbid: { paths: 'regex:/v1/models/[^/]+$' } }, ALL],
    '/v1/models/a%2Fb',
  ],
  [
    'a permit is meant for one segment, and an encoded slash makes it two',
    pathsOf('/v1/models/a/b'),
    '/v1/models/a%2Fb',
  ],
  ['a slash at the end', [{ forbid: { paths: 'regex:/v1/admin/$' } }, ALL], '/v1/admin/'],
  ['a slash that a proxy merges', [{ forbid: { paths: '/v1/admin*' } }, ALL], '//v1/admin'],
  ['bytes that are no UTF-8', [{ forbid: { paths: '/v1/b' } }, ALL], '/v1/%ff'],
  ['a line end', [{ forbid: { paths: '/v1/b' } }, ALL], '/v1/b%0a'],
  ['a long path', [{ forbid: { paths: '/v1/b' } }, ALL], `/${'a'.repeat(2048)}`],
  [
    'an unknown attribute, where it must not have a value',
    [{ permit: { paths: '*' }, unless: 'user with banned in roles' }],
    '/v1/b',
    { teams: ['a'] },
  ],
  [
    'an unknown attribute of a forbid',
    [{ forbid: { paths: '/v1/b' }, when: 'user with banned in roles' }, ALL],
    '/v1/b',
    {},
  ],
  [
    'a forbid about a caller without a name',
    [{ forbid: { paths: '/v1/b' }, unless: 'user with admin in roles' }, ALL],
    '/v1/b',
  ],
])('%s', (_, rules, path, user) => {
  it('OGX permits it, with-auth forbids it', () => {
    expect(ogxPermits(rules, path, user)).toBe(true)
    expect(isPermitted(rules, path, user)).toBe(false)
  })
})

it.each(['user is owner', 'user is not owner', 'user in owners teams', 'resource is unowned'])(
  'OGX takes %j, which decides nothing about a route; here it is an error',
  (when) => {
    expect(problemsOf([{ permit: { paths: '*' }, when }])).toEqual([
      `"rules[0].when" must be "user with VALUE in ATTRIBUTE" or "user with VALUE not in ATTRIBUTE": a path has no owner, so a condition about one decides nothing, received "${when}"`,
    ])
  },
)

it('compares both forms of a path that has two', () => {
  expect(matchOf('/v1/models/a/b', '/v1/models/a%2Fb')).toEqual({ permit: false, forbid: true })
})
