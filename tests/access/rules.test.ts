import { describe, expect, it } from 'vitest'
import { isPermitted, problemsOf } from '../support/route-policy.ts'
import type { RouteRule } from '../../src/access.ts'
import type { Attributes } from '../support/route-policy.ts'

const CONDITION = '"user with VALUE in ATTRIBUTE" or "user with VALUE not in ATTRIBUTE"'
const ANY_PATH = 'a path such as "/v1/models", "/v1/*", "*" or "regex:…"'

/** A rule whose pattern is this one. */
const at = (paths: unknown): unknown => [{ permit: { paths } }]
const when = (condition: unknown): unknown => [{ permit: { paths: '*' }, when: condition }]

describe('routePolicy', () => {
  it.each<[rules: unknown, ...problems: string[]]>([
    ['*', '"rules" must be a list of rules, received "*"'],
    [[null], '"rules[0]" must be an object with "permit" or "forbid", received null'],
    [
      [{ permit: { paths: '*' }, forbid: { paths: '*' } }],
      '"rules[0].forbid" must be left out beside "permit"',
    ],
    [
      [{ permit: null }],
      '"rules[0].permit" must be left out or given a value (is a variable not set?), received null',
    ],
    [[{ permit: '*' }], '"rules[0].permit" must be an object with "paths", received "*"'],
    [[{ forbid: {} }], '"rules[0].forbid" must be an object with "paths", received an object'],
    [
      [{ permit: { paths: '*', method: ['GET'] } }],
      'Unknown option "rules[0].permit.method": did you mean "methods"?',
    ],
    [
      [{ permit: { paths: '*' }, allow: true }],
      'Unknown option "rules[0].allow": expected one of "permit", "forbid", "when", "unless", "description"',
    ],
    [
      [{ permit: { paths: '*' }, when: 'user with a in b', unless: 'user with a in b' }],
      '"rules[0].unless" must be left out beside "when"',
    ],
    [
      [{ permit: { paths: '*', methods: [] } }],
      '"rules[0].permit.methods" must be a list of methods, received an array',
    ],
    [
      [{ permit: { paths: '*', methods: ['GET', 'post'] } }],
      '"rules[0].permit.methods[1]" must be a method in upper case, received "post"',
    ],
    [
      [{ permit: { paths: ['*', 'a'] } }, { forbid: { paths: '/b/' }, when: '' }],
      '"rules[0].permit.paths[1]" must be a path that starts with "/", received "a"',
      '"rules[1].forbid.paths" must be a path without "/" at the end, which is cut from requests, received "/b/": did you mean "/b"?',
      `"rules[1].when" must be ${CONDITION}, received ""`,
    ],
  ])('rejects %j', (rules, ...problems) => {
    expect(problemsOf(rules)).toEqual(problems)
  })

  it.each<[paths: unknown, expected: string]>([
    ['', `${ANY_PATH}, received ""`],
    [5, `${ANY_PATH}, received 5`],
    [[], 'a text, or a list of at least one, received an array'],
    ['v1', 'a path that starts with "/", received "v1"'],
    ['/*/a', 'a path with "*" at the end only, received "/*/a"'],
    ['/a**', 'a path with "*" at the end only, received "/a**"'],
    [
      '/a//',
      'a path without "/" at the end, which is cut from requests, received "/a//": did you mean "/a"?',
    ],
    ...['/a%20b', '/a?', '/a#', '/a\\b', '/a%2f*'].map((path): [string, string] => [
      path,
      String.raw`a decoded path, without "%", "?", "#" and "\", received ${JSON.stringify(path)}`,
    ]),
    ['//a', 'a path that starts with one "/": "//" is never permitted, received "//a"'],
    ['//*', 'a path that starts with one "/": "//" is never permitted, received "//*"'],
    ['regex:', 'a regular expression after "regex:", received "regex:"'],
    // OGX matches from the start, which is always a slash.
    ...['regex:admin', 'regex:v1/.*', 'regex:[^/]+', 'regex:(?:a|b)'].map(
      (path): [string, string] => [
        path,
        `one that can match a path from its start, which is "/", such as "regex:/v1/.*", received "${path}"`,
      ],
    ),
    ...['/v1/../admin', '/v1/..', '/./v1', '/v1/../*'].map((path): [string, string] => [
      path,
      `a path without "." and "..", which are resolved in requests, received "${path}"`,
    ]),
    ['regex:(', 'a valid regular expression, received "regex:("'],
  ])('rejects the pattern %j', (paths, expected) => {
    expect(problemsOf(at(paths))).toEqual([`"rules[0].permit.paths" must be ${expected}`])
  })

  it.each(['/a/*', '*', 'regex:/a', 'regex:.*b', '/v1/.*', '/v1/..*'])(
    'takes the pattern %j',
    (paths) => {
      expect(problemsOf(at(paths))).toEqual([])
    },
  )

  it('takes a forbid of paths that are never permitted', () => {
    expect(problemsOf([{ forbid: { paths: '//*' } }])).toEqual([])
  })

  it.each<[condition: unknown, received: string]>([
    [null, 'null'],
    ['admin', '"admin"'],
    ['user with two words in roles', '"user with two words in roles"'],
    ['user with admin in roles and teams', '"user with admin in roles and teams"'],
    ['user with a\u00a0b in roles', '"user with a\u00a0b in roles"'],
    ['user with a\u001cb in roles', String.raw`"user with a\u001cb in roles"`],
  ])('rejects the condition %j', (condition, received) => {
    const [problem] = problemsOf(when(condition))
    const isNull = condition === null
    expect(problem).toBe(
      isNull
        ? '"rules[0].when" must be left out or given a value (is a variable not set?), received null'
        : `"rules[0].when" must be ${CONDITION}, received ${received}`,
    )
  })

  it('rejects an empty list of conditions', () => {
    expect(problemsOf(when([]))).toEqual([
      '"rules[0].when" must be a text, or a list of at least one, received an array',
    ])
  })
})

describe('a condition', () => {
  const permit = (condition: Omit<RouteRule, 'permit'>): RouteRule => ({
    permit: { paths: '*' },
    ...condition,
  })
  const ALL: RouteRule = { permit: { paths: '*' } }
  const [A, NOT_A, B] = ['user with a in x', 'user with a not in x', 'user with b in y']

  type Holds = 'yes' | 'no' | 'unknown'
  type Row = readonly [attributes: Attributes, holds: Holds]

  it.each<[name: string, condition: Omit<RouteRule, 'permit'>, ...rows: Row[]]>([
    [
      'when in',
      { when: A },
      [{ x: ['a'] }, 'yes'],
      [{ x: ['b'] }, 'no'],
      [{ x: [] }, 'no'],
      [{}, 'unknown'],
    ],
    [
      'when not in',
      { when: NOT_A },
      [{ x: ['a'] }, 'no'],
      [{ x: ['b'] }, 'yes'],
      [{ x: [] }, 'yes'],
      [{}, 'unknown'],
    ],
    ['unless in', { unless: A }, [{ x: ['a'] }, 'no'], [{ x: [] }, 'yes'], [{}, 'unknown']],
    ['unless not in', { unless: NOT_A }, [{ x: ['a'] }, 'yes'], [{ x: [] }, 'no'], [{}, 'unknown']],
    [
      'when of several',
      { when: [A, B] },
      [{ x: ['a'], y: ['b'] }, 'yes'],
      [{ x: ['a'], y: [] }, 'no'],
      [{ x: [] }, 'no'],
      [{ y: [] }, 'no'],
      [{ x: ['a'] }, 'unknown'],
    ],
    [
      'unless of several',
      { unless: [A, B] },
      [{ x: [], y: [] }, 'yes'],
      [{ x: ['a'] }, 'no'],
      [{ x: [], y: ['b'] }, 'no'],
      [{ x: [] }, 'unknown'],
    ],
  ])(
    '%s: a permit applies if it surely does, a forbid unless it surely does not',
    (_, condition, ...rows) => {
      for (const [attributes, holds] of rows) {
        const forbid: RouteRule = { ...condition, forbid: { paths: '*' } }
        const decided = {
          byPermit: isPermitted([permit(condition)], '/v1', attributes),
          byForbid: isPermitted([forbid, ALL], '/v1', attributes),
        }
        const expected = { byPermit: holds === 'yes', byForbid: holds === 'no' }
        expect({ attributes, ...decided }).toEqual({ attributes, ...expected })
      }
    },
  )

  it.each([
    'user with a in x\n',
    '  user  with a\n  in x ',
    'user\twith a in\r\nx',
    'user with\u00a0a\u001cin\u2028x',
  ])('splits %j at any white space, as OGX does', (condition) => {
    const rules = [permit({ when: condition })]
    expect(isPermitted(rules, '/v1', { x: ['a'] })).toBe(true)
    expect(isPermitted(rules, '/v1', { x: ['b'] })).toBe(false)
  })

  it('reads own attributes alone, and values as they are', () => {
    const rules = [permit({ when: 'user with a in constructor' })]
    expect(isPermitted(rules, '/v1')).toBe(false)
    expect(isPermitted(rules, '/v1', { constructor: ['a'] })).toBe(true)
    expect(isPermitted([permit({ when: A })], '/v1', { x: ['A', ' a', 'ab'] })).toBe(false)
    expect(isPermitted([permit({ when: ' user  with a in x ' })], '/v1', { x: ['a'] })).toBe(true)
    expect(isPermitted([permit({ when: 'user with not not in x' })], '/v1', { x: [] })).toBe(true)
  })
})

describe('methods', () => {
  const GET = [{ permit: { paths: '*', methods: ['GET'] } }]
  const NO_GET: readonly RouteRule[] = [
    { forbid: { paths: '*', methods: ['GET', 'PATCH'] } },
    { permit: { paths: '*' } },
  ]

  it.each([
    ['GET', true, false],
    ['HEAD', true, false],
    ['POST', false, true],
    ['patch', false, false],
    ['get', false, false],
    ['PUT', false, true],
  ])('%s is permitted by GET: %s; with GET and PATCH forbidden: %s', (method, byGet, others) => {
    expect(isPermitted(GET, '/v1', {}, method)).toBe(byGet)
    expect(isPermitted(NO_GET, '/v1', {}, method)).toBe(others)
  })

  it('HEAD alone is not GET', () => {
    expect(isPermitted([{ permit: { paths: '*', methods: ['HEAD'] } }], '/v1')).toBe(false)
  })
})
