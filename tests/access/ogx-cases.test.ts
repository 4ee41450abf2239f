import { describe, expect, it } from 'vitest'
import { isPermitted, matchOf, problemsOf } from '../support/route-policy.ts'
import { ogxPermits } from './ogx-policy.ts'
import type { RouteRule } from '../../src/access.ts'
import type { Attributes } from '../support/route-policy.ts'

/** The cases that OGX tests its route policy with: 18 that with-auth decides alike, and one that is an error. */

const ADMIN = { roles: ['admin'], teams: ['platform'] }
const DEVELOPER = { roles: ['developer'], teams: ['ml-team'] }
const USER = { roles: ['user'], teams: ['ml-team'] }

/** Paths in a text, that a caller is permitted and forbidden. */
interface Question {
  readonly user?: Attributes
  readonly permit?: string
  readonly forbid?: string
}

const DEVELOPERS_CHAT: RouteRule = {
  permit: { paths: '/v1/chat/completions' },
  when: 'user with developer in roles',
}
const ADMINS_ALL: RouteRule = { permit: { paths: '*' }, when: 'user with admin in roles' }
const ALL: RouteRule = { permit: { paths: '*' } }
const pathsOf = (...paths: string[]): readonly RouteRule[] => [{ permit: { paths } }]

const CASES: Readonly<
  Record<string, readonly [rules: readonly RouteRule[], ...questions: Question[]]>
> = {
  'no policy permits every route': [[], { user: USER, permit: '/v1/chat/completions' }],
  'an exact path': [
    pathsOf('/v1/chat/completions'),
    {
      user: DEVELOPER,
      permit: '/v1/chat/completions',
      forbid: '/v1/chat/completions/stream /v1/models/list',
    },
  ],
  'a prefix': [
    pathsOf('/v1/files*'),
    {
      permit: '/v1/files/upload /v1/files/delete /v1/files/list/all /v1/files',
      forbid: '/v1/models/list',
    },
  ],
  'every path': [
    pathsOf('*'),
    { permit: '/v1/chat/completions /v1/files/upload /admin/reset /anything/goes' },
  ],
  'several paths in a rule': [
    [{ permit: { paths: ['/v1/files*', '/v1/models*'] }, when: 'user with user in roles' }],
    { user: USER, permit: '/v1/files/upload /v1/models/list', forbid: '/v1/chat/completions' },
  ],
  'a condition about roles': [
    [DEVELOPERS_CHAT],
    { user: DEVELOPER, permit: '/v1/chat/completions' },
    { user: USER, forbid: '/v1/chat/completions' },
  ],
  'an admin who may do everything': [
    [DEVELOPERS_CHAT, ADMINS_ALL],
    { user: ADMIN, permit: '/v1/chat/completions /v1/files/upload /v1/admin/reset' },
    { user: DEVELOPER, permit: '/v1/chat/completions', forbid: '/v1/files/upload' },
  ],
  'a forbid with an exception': [
    [
      { forbid: { paths: '/v1/admin*' }, unless: 'user with admin in roles' },
      { ...ADMINS_ALL, description: 'Admins' },
      { permit: { paths: '*' }, when: 'user with developer in roles', description: 'The rest' },
    ],
    { user: DEVELOPER, permit: '/v1/chat/completions', forbid: '/v1/admin/reset' },
    { user: ADMIN, permit: '/v1/admin/reset' },
  ],
  'a route without a rule': [
    [DEVELOPERS_CHAT],
    { user: USER, forbid: '/v1/chat/completions /v1/models/list' },
  ],
  'several conditions': [
    [
      {
        permit: { paths: '*' },
        when: ['user with admin in roles', 'user with platform in teams'],
      },
    ],
    { user: ADMIN, permit: '/v1/anything' },
  ],
  'the first rule that applies': [
    [DEVELOPERS_CHAT, { forbid: { paths: '*' }, when: 'user with developer in roles' }],
    { user: DEVELOPER, permit: '/v1/chat/completions', forbid: '/v1/models/list' },
  ],
  'a handshake of a WebSocket, which is a GET': [
    [{ ...pathsOf('/v1/responses')[0], description: 'The handshake' }],
    { permit: '/v1/responses', forbid: '/v1/admin/reset' },
  ],
  'routes for callers without a name': [
    [
      { permit: { paths: '/v1/health' }, description: 'Health' },
      { permit: { paths: '/v1/models*' }, description: 'Models' },
    ],
    { permit: '/v1/health /v1/models/list', forbid: '/v1/chat/completions /v1/admin/reset' },
  ],
  'a forbid for callers without a name': [
    [{ forbid: { paths: '/v1/admin*' } }, ALL],
    { permit: '/v1/chat/completions /v1/models/list', forbid: '/v1/admin/reset /v1/admin/users' },
  ],
  'a condition needs a caller': [[ADMINS_ALL], { forbid: '/v1/chat/completions' }],
  'rules with conditions and without': [
    [
      { permit: { paths: ['/v1/health', '/v1/version'] } },
      { permit: { paths: '/v1/admin*' }, when: 'user with admin in roles' },
    ],
    { permit: '/v1/health /v1/version', forbid: '/v1/admin/reset /v1/chat/completions' },
    { user: ADMIN, permit: '/v1/admin/reset', forbid: '/v1/chat/completions' },
    { user: USER, forbid: '/v1/admin/reset /v1/chat/completions' },
  ],
  'regular expressions among other patterns': [
    pathsOf('/v1/models*', 'regex:/v1/(chat|inference)/.*', String.raw`regex:/v1/files/\d+`),
    {
      permit: '/v1/chat/completions /v1/inference/run /v1/models/list /v1/files/123',
      forbid: '/v1/other/endpoint /v2/chat/completions',
    },
  ],
  'a policy of regular expressions': [
    [
      {
        permit: { paths: 'regex:/v1/(chat|inference)/.*' },
        when: 'user with developer in roles',
      },
      { permit: { paths: String.raw`regex:/v1/files/\d+` }, when: 'user with user in roles' },
    ],
    { user: DEVELOPER, permit: '/v1/chat/completions /v1/inference/run', forbid: '/v1/files/123' },
    {
      user: USER,
      permit: '/v1/files/123 /v1/files/456',
      forbid: '/v1/files/upload /v1/chat/completions',
    },
  ],
}

it.each(Object.entries(CASES))('OGX tests %s', (_name, [rules, ...questions]) => {
  const expectAll = (user: Attributes | undefined, paths = '', expected = true): void => {
    const all = paths.split(' ').filter(Boolean)
    expect(all.map((path) => ogxPermits(rules, path, user))).toEqual(all.map(() => expected))
    expect(all.map((path) => isPermitted(rules, path, user))).toEqual(all.map(() => expected))
  }
  for (const { user, permit, forbid } of questions) {
    expectAll(user, permit)
    expectAll(user, forbid, false)
  }
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
  ['bytes that are not UTF-8', [{ forbid: { paths: '/v1/b' } }, ALL], '/v1/%ff'],
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
