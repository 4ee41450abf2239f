import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createPublicCheck } from '../../../src/core/response/exemption.ts'

const createPublicMatcher = (value: unknown) => {
  const isPublic = createPublicCheck(resolveConfig({ public: value }).public)
  return (path: string, method: string): boolean => isPublic?.(path, { method }) === true
}

describe('a public path', () => {
  const rules = [
    '/healthz',
    '/docs/*',
    '/',
    { path: '/hook', methods: ['POST', 'PUT'] },
    { path: '/files/*' },
  ]
  const isPublic = (path: string, method: string): boolean =>
    createPublicMatcher(rules)(path, method)

  it.each(['/healthz', '/docs/a', '/docs/a/b', '/docs/a%20b', '/', '/files/x'])(
    'is %s for GET and HEAD',
    (path) => {
      expect(isPublic(path, 'GET')).toBe(true)
      expect(isPublic(path, 'HEAD')).toBe(true)
      expect(isPublic(path, 'POST')).toBe(false)
      expect(isPublic(path, 'OPTIONS')).toBe(false)
      expect(isPublic(path, 'get')).toBe(false)
    },
  )

  it('is for the methods that are named and no others', () => {
    expect(isPublic('/hook', 'POST')).toBe(true)
    expect(isPublic('/hook', 'PUT')).toBe(true)
    expect(isPublic('/hook', 'GET')).toBe(false)
  })

  it('is not changed with the list that was given', () => {
    const methods = ['GET']
    const list = [{ path: '/a', methods }]
    const matcher = createPublicMatcher(list)
    methods.push('POST')
    list.push({ path: '/b', methods })
    expect(matcher('/a', 'POST')).toBe(false)
    expect(matcher('/b', 'GET')).toBe(false)
  })

  it('is none if none is named', () => {
    expect(createPublicMatcher([])('/', 'GET')).toBe(false)
  })
})

it.each([
  ['/a', '"public" must be an array, received "/a"'],
  [['a'], '"public[0]" must be a path that starts with "/", received "a"'],
  [[''], '"public[0]" must be a path that starts with "/"'],
  [['/*'], '"public[0]" must be narrower'],
  [['/a*'], '"public[0]" must be an exact path or "/prefix/*", received "/a*"'],
  [['/a/*/*'], 'an exact path or "/prefix/*"'],
  [['/a', '/b?c'], '"public[1]" must be a path without "?", "#"'],
  [['/a\\b'], 'without "?", "#"'],
  [['/a/../b'], 'without "." and ".." segments'],
  [['/%2e%2e/*'], 'without "." and ".." segments'],
  [['/%61'], 'must be written as requests are compared, received "/%61": did you mean "/a"?'],
  [['/é'], 'did you mean "/%C3%A9"?'],
  [['/a%2fb'], 'which are never public'],
  [['/a/;b'], 'which are never public'],
  [['/%2561/*'], 'which are never public'],
  [['/a/..;b'], 'without "." and ".." segments'],
  [['/a%2f..%2fb'], 'without "." and ".." segments'],
  [['//*'], 'which are never public'],
  [[5], '"public[0]" must be a path or { path, methods }, received 5'],
  [[{}], '"public[0].path" must be a path that starts with "/", received undefined'],
  [[{ path: '/a', method: 'GET' }], 'Unknown option "public[0].method": did you mean "methods"?'],
  [[{ path: '/a', methods: [] }], '"public[0].methods" must be a list of methods'],
  [[{ path: '/a', methods: ['get'] }], '"public[0].methods[0]" must be a method in upper case'],
])('rejects %j', (value, message) => {
  expect(() => createPublicMatcher(value)).toThrow(message)
})
