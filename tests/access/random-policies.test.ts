import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalPath } from '../../src/core/request/target.ts'
import { runs } from '../support/nightly.ts'
import { ogxPermits } from './ogx-policy.ts'
import { isPermitted, matchOf } from '../support/route-policy.ts'
import type { RouteRule } from '../../src/access.ts'

const RUNS = runs(40_000)

const SMALL_PATHS = ['*', '/a', '/a*', '/a/b', '/a/*', '/a/b*', '/é', '/é*', '/a b', '/', '/*']
const EXPRESSIONS = String.raw`/a /(a|b)/.* /[^/]+$ /[^/]+/[^/]+$ .*b /a/?$ /\d+$ /\D+$ /\w+$ /\W+$ /\s+$ /\S+$`
const SMALL = [...SMALL_PATHS, ...EXPRESSIONS.split(' ').map((one) => `regex:${one}`)]
const pattern = fc.constantFrom(...SMALL, '/A', '/B*', 'regex:/[A-C]+$', 'regex:.*B')
const condition = fc.constantFrom(
  'user with x in roles',
  'user with x not in roles',
  'user with y in teams',
  'user with y not in teams',
)
const some = <Value>(one: fc.Arbitrary<Value>) =>
  fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 3 }))
const conditions = fc.oneof(
  fc.constant({}),
  fc.record({ when: some(condition) }),
  fc.record({ unless: some(condition) }),
)
const policyOf = (one: fc.Arbitrary<string>): fc.Arbitrary<RouteRule[]> =>
  fc.array(
    fc
      .tuple(fc.boolean(), some(one), conditions)
      .map(([isPermit, paths, more]) =>
        isPermit ? { permit: { paths }, ...more } : { forbid: { paths }, ...more },
      ),
    { maxLength: 4 },
  )
const policy = policyOf(pattern)

const pathOf = (...segments: string[]) =>
  fc
    .array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 })
    .map((all) => `/${all.join('/')}`)
const smallPath = pathOf('a', 'b', 'ab', '5', '-', '_')
const plainPath = fc.oneof(smallPath, pathOf('a', 'A', 'b', 'B', 'aB'))
const UNITS = '/ / a b A 5 - ; %2f %2F %41 %20 %25 %252f %5c %c3%a9 %C3%A9 é %0a %00 %ff % ٣ 😀 .'
const BLANKS = [' ', '\u2028', '\ufeff', '\u00a0']
const anyPath = fc
  .string({ unit: fc.constantFrom(...UNITS.split(' '), ...BLANKS), maxLength: 8 })
  .map((text) => canonicalPath(`/${text}`) ?? '/a')

const values = (value: string) => fc.constantFrom([], [value], ['z'], [value, 'z'])
const everyAttribute = fc.record({ roles: values('x'), teams: values('y') })
const someAttributes = fc.record({ roles: values('x'), teams: values('y') }, { requiredKeys: [] })

describe('any policy', () => {
  it('decides as OGX about plain paths in small letters, and known attributes', () => {
    let permitted = 0
    fc.assert(
      fc.property(
        policyOf(fc.constantFrom(...SMALL)),
        smallPath,
        everyAttribute,
        (rules, path, user) => {
          const ours = isPermitted(rules, path, user)
          permitted += Number(ours)
          expect({ rules, path, user, ours }).toEqual({
            rules,
            path,
            user,
            ours: ogxPermits(rules, path, user),
          })
        },
      ),
      { numRuns: RUNS },
    )
    expect(permitted).toBeGreaterThan(RUNS / 10)
  })

  it('permits nothing that OGX forbids, whatever the path and the caller', () => {
    let stricter = 0
    fc.assert(
      fc.property(
        policy,
        fc.oneof(plainPath, anyPath),
        fc.option(someAttributes, { nil: undefined }),
        (rules, path, user) => {
          const theirs = ogxPermits(rules, path, user)
          const ours = isPermitted(rules, path, user)
          stricter += Number(theirs && !ours)
          expect({ rules, path, user, isOpen: ours && !theirs }).toEqual({
            rules,
            path,
            user,
            isOpen: false,
          })
        },
      ),
      { numRuns: RUNS },
    )
    expect(stricter).toBeGreaterThan(0)
  })
})

describe('both forms of a path', () => {
  /** How the decoded form matches. `undefined` if it would be decoded again. */
  function matchOfDecoded(one: string, path: string): ReturnType<typeof matchOf> | undefined {
    try {
      const decoded = decodeURIComponent(path)
      if (/\p{Cc}/u.test(decoded)) return { permit: false, forbid: true }
      return decoded.includes('%') ? undefined : matchOf(one, decoded)
    } catch {
      return { permit: false, forbid: true }
    }
  }

  it('a permit needs the decoded form, and a forbid is content with it', () => {
    fc.assert(
      fc.property(pattern, anyPath, (one, path) => {
        const { permit, forbid } = matchOf(one, path)
        const decoded = matchOfDecoded(one, path) ?? { permit, forbid }
        const wrong = { permit: permit && !decoded.permit, forbid: decoded.forbid && !forbid }
        expect({ one, path, ...wrong }).toEqual({ one, path, permit: false, forbid: false })
      }),
      { numRuns: RUNS },
    )
  })

  it('what a permit matches, a forbid matches', () => {
    fc.assert(
      fc.property(pattern, anyPath, (one, path) => {
        const { permit, forbid } = matchOf(one, path)
        expect({ one, path, isBoth: permit && !forbid }).toEqual({ one, path, isBoth: false })
      }),
      { numRuns: RUNS },
    )
  })

  it.each<[pattern: string, path: string, permit: boolean, forbid: boolean]>([
    ['/v1/a', '/v1/a/', true, true],
    ['/v1/a', '/v1/a//', true, true],
    ['/v1/a', '/v1//a', false, true],
    ['/', '/', true, true],
    ['/v1/a/*', '/v1/a/', false, true],
    ['/v1/é', '/v1/%C3%A9', true, true],
    ['/v1/é', '/v1/%c3%a9', true, true],
    ['/v1/é*', '/v1/%c3%a9/x', true, true],
    ['/v1/a b', '/v1/a%20b', true, true],
    ['/v1/{a}', '/v1/%7Ba%7D', true, true],
    ['regex:/é+$', '/%C3%A9%C3%A9', true, true],
    ['/v1/a/b', '/v1/a%2Fb', false, true],
    // Signs that some clients encode, as `encodeURIComponent` does.
    ['/v1/a:b@c,d=e$f&g+h!i', '/v1/a%3Ab%40c%2Cd%3De%24f%26g%2Bh%21i', true, true],
    ['regex:/v1/[a-z:]+$', '/v1/a%3ab', true, true],
    ['/v1/a:b', '/v1/%61%3Ab', false, true],
    // The form as typed, and the very text of the request.
    ['regex:/é%2Fb$', '/%C3%A9%2Fb', false, true],
    ['regex:/%C3%A9$', '/%C3%A9', false, true],
    ['regex:/v1/[^/]+$', '/v1/a%2Fb', false, true],
    ['regex:/v1/a', '/v1/ab', true, true],
    ['regex:/v1/a$', '/v1/ab', false, false],
    ['/v1/a/b', '/v1/a%252Fb', false, true],
    // Servers decode twice, take a backslash for a slash, or cut parameters off.
    ['/v1/models/*', '/v1/models/%252e%252e/admin', false, true],
    ['/v1/admin*', '/v1/%2561dmin', false, true],
    ['/v1/admin*', '/v1%5Cadmin', false, true],
    ['/v1/admin*', '/v1;x=1/admin', false, true],
    ['/v1/admin*', '/;/v1/admin', false, true],
    ['/v1/secret', '/v1/secret;x=1', false, true],
    ['/v1/secret', '/v1/secret%3Bx', false, true],
    // Servlet containers cut a parameter off before they decode it.
    ['/v1/models:delete', '/v1;a=%2Fb/models%3Adelete', false, true],
    ['/v1/a', '/v1/a%2F', false, true],
    ['*', '/v1/%ff', false, true],
    ['*', '/v1/%0A', false, true],
    ['*', '/v1/a%5Cb', false, true],
    ['*', '/v1/a%2520b', false, true],
    ['*', '/v1/a%25', true, true],
    ['*', '/v1/100%', false, true],
    // `new URL(request.url, base)`, PHP and the JDK read `x` as a host.
    ['*', '//x/v1/admin', false, true],
    ['*', '///v1/admin', false, true],
    ['*', '//', false, true],
    ['*', '/%2Fx/v1/admin', false, true],
    ['/v1/admin*', '//x/v1/admin', false, true],
    ['regex:/.*', '//v1', false, true],
    ['*', '/v1//admin', true, true],
    ['*', `/${'a'.repeat(2047)}`, true, true],
    ['*', `/${'a'.repeat(2048)}`, false, true],
    ['/V1', '/v1', false, true],
  ])('%s and %s: a permit %s, a forbid %s', (one, path, permit, forbid) => {
    expect(matchOf(one, path)).toEqual({ permit, forbid })
  })
})
