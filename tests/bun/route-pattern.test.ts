import { describe, expect, it } from 'vitest'
import { createRouteMatcher, readRoute, assertDistinct } from '../../src/bun/route-pattern.ts'
import { routed } from '../support/requests.ts'

type Table = Readonly<Record<string, readonly string[] | undefined>>

/** The patterns by which a request may come whose canonical path this is. */
function routesOf(table: Table, path: string, params = {}, method = 'GET'): string[] {
  const routes = Object.entries(table).map(([pattern, methods]) =>
    readRoute(pattern, methods && new Set(methods)),
  )
  const request = routed('/', params, undefined, method)
  return routes
    .filter((route) => createRouteMatcher(route, routes)(request, path))
    .map(({ pattern }) => pattern)
}

describe('the route that a path leads to', () => {
  it.each<[string, string, boolean]>([
    ['/', '/', true],
    ['/', '/a', false],
    ['/a', '/a', true],
    ['/a', '/a/', false],
    ['/a/', '/a/', true],
    ['/a', '/b', false],
    ['/a', '/a/b', false],
    ['/a/b', '/a', false],
    ['/*', '/', true],
    ['/*', '/a/b', true],
    ['/a/*', '/a', false],
    ['/a/*', '/a/', true],
    ['/a/*', '/a/b/c', true],
    ['/a/*', '/b/c', false],
    ['/a/b/*', '/a/c/d', false],
    ['/%C3%A9/~x', '/%C3%A9/~x', true],
  ])('%s, for %s: %s', (pattern, path, isFound) => {
    expect(routesOf({ [pattern]: undefined }, path)).toEqual(isFound ? [pattern] : [])
  })

  it.each<[string, readonly string[], string]>([
    ['/y/x', ['/*', '/:a/:b', '/:a/x', '/y/:b', '/y/x'], '/y/x'],
    ['/y/x', ['/*', '/:a/:b', '/:a/x', '/y/:b'], '/y/:b'],
    ['/y/x', ['/*', '/:a/:b', '/:a/x', '/y/z'], '/:a/x'],
    ['/y/x', ['/*', '/:a/:b', '/y/*'], '/y/*'],
    ['/y/x', ['/*', '/:a/:b', '/y', '/y/x/z'], '/:a/:b'],
    ['/y/x', ['/*', '/:a/*', '/y/x/'], '/:a/*'],
    ['/y/', ['/*', '/y/*', '/y/'], '/y/'],
    ['/y/', ['/*', '/y/:b'], '/*'],
  ])('%s is the most specific at the first segment that differs: %j', (path, patterns, found) => {
    const table = Object.fromEntries(patterns.map((pattern) => [pattern, undefined]))
    expect(routesOf(table, path, { a: 'y', b: 'x' })).toEqual([found])
  })

  it.each<[string, Table, boolean]>([
    ['GET', { '/a': ['POST'], '/*': undefined }, true],
    ['POST', { '/a': ['POST'], '/*': undefined }, false],
    ['HEAD', { '/a': ['GET'], '/*': ['HEAD'] }, false],
    ['OPTIONS', { '/a': ['GET'], '/*': undefined }, true],
    ['POST', { '/a': ['GET'], '/*': undefined }, true],
    ['HEAD', { '/a': ['HEAD'], '/*': ['GET'] }, false],
    ['HEAD', { '/a': ['POST'], '/*': ['GET'] }, true],
    ['GET', { '/a': ['HEAD'], '/*': ['GET'] }, true],
    ['GET', { '/a': undefined, '/*': ['GET'] }, false],
  ])('of %s /a in %j is /*: %s', (method, table, isWildcard) => {
    expect(routesOf(table, '/a', {}, method).includes('/*')).toBe(isWildcard)
  })
})

describe('the parameters of a route', () => {
  const isOwn = (pattern: string, path: string, params: unknown): boolean =>
    routesOf({ [pattern]: undefined }, path, params as object).length === 1

  it.each<[string, string, object]>([
    ['/:a', '/x', { a: 'x' }],
    ['/:a', '/x%2Fy', { a: 'x/y' }],
    ['/:a', '/%C3%A9', { a: 'é' }],
    ['/m/:a/n/:b-c/*', '/m/1/n/2/3', { a: '1', 'b-c': '2' }],
  ])('of %s are the segments of %s: %j', (pattern, path, params) => {
    expect(isOwn(pattern, path, params)).toBe(true)
  })

  it('may be absent if the pattern has none', () => {
    expect(isOwn('/a/*', '/a/b', undefined)).toBe(true)
    expect(isOwn('/a/*', '/a/%', { a: 'b' })).toBe(true)
  })

  it.each<[string, string, unknown]>([
    ['/:a', '/x', { a: 'y' }],
    ['/:a', '/x', {}],
    ['/:a', '/x', null],
    ['/:a', '/x', undefined],
    ['/:a', '/x', 'x'],
    ['/:a', '/x', { a: ['x'] }],
    ['/:a/:b', '/x/y', { a: 'y', b: 'x' }],
    ['/:a/:b', '/x/y', { a: 'x', b: 'x' }],
    ['/:a/:b', '/x/y', { a: 'y', b: 'y' }],
    ['/:a', '/%', { a: '%' }],
    ['/:a', '/%E9', {}],
    ['/:a', '/%E9', { a: '\ufffd' }],
    ['/:a', '/x%2fy', { a: 'x%2fy' }],
    ['/:toString', '/x', {}],
    ['/:a', '/', { a: '' }],
    // GET /p/q/r/../../../x/y/z/w, as Bun hands it over.
    ['/:a/:b/:c/*', '/x/y/z/w', { a: 'p', b: 'q', c: 'r' }],
  ])('of %s are not those of %s if they are %j', (pattern, path, params) => {
    expect(isOwn(pattern, path, params)).toBe(false)
  })
})

it.each([
  '',
  'a',
  '*',
  'a/b',
  ':a',
  '//',
  '/a//b',
  '/a/*/b',
  '/*/',
  '/**',
  '/a*',
  '/*a',
  '/:',
  '/:1',
  '/:a?',
  '/:a*',
  '/:a.b',
  '/:a:b',
  '/x:a',
  '/:é',
  '/é',
  '/a b',
  '/a?b',
  '/a#b',
  '/a\\b',
  '/%61',
  '/.',
  '/a/../b',
  '/%2e%2e',
  '/(a)|b',
  'x/',
])('throws for the pattern %j', (pattern) => {
  expect(() => readRoute(pattern, undefined)).toThrow(
    `Cannot guard the route ${JSON.stringify(pattern)}: it must be a path`,
  )
})

it('throws for two patterns that match the same paths', () => {
  const read = (patterns: readonly string[]) =>
    patterns.map((pattern) => readRoute(pattern, undefined))
  expect(() => assertDistinct(read(['/a/:x', '/b/:x', '/a/:y']))).toThrow(
    'Cannot guard the routes "/a/:x" and "/a/:y", which match the same paths',
  )
  expect(() => assertDistinct(read(['/a/:x', '/a/:x/', '/a/*', '/:a/x', '/a', '/']))).not.toThrow()
})
