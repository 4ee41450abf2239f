import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBelow, isPathPrefix, meantPrefix } from '../../src/keys/paths.ts'

describe('a path is below /v1', () => {
  it.each([
    '/v1',
    '/v1/',
    '/v1/models',
    '/v1/models/meta-llama%2FLlama-3',
    '/v1//models',
    '/v1/a b',
    '/v1/%E2%82%AC',
    '/v1/100%25',
    '/v1/%zz',
    '/v1/...',
    '/v1/.env',
    '/%761/models',
    '/v1/a\\b',
    `/v1/%${'25'.repeat(3)}41`,
  ])('%s', (path) => {
    expect(isBelow(path, ['/v1'])).toBe(true)
  })
})

describe('a path is not below /v1', () => {
  it.each([
    ['that was not told', ''],
    ['of another name that begins so', '/v1x'],
    ['in other letters', '/V1'],
    ['above it', '/'],
    ['with another before it', '/x/v1'],
    ['with an empty segment before it', '//v1'],
    ['with the slash encoded', '/v1%2fadmin'],
    ['with a backslash for the slash', '/v1\\admin'],
    ['with parameters', '/v1;a=1'],
    ['with a query in it', '/v1?'],
    ['without a slash', 'v1'],
    ['of a whole URL', 'http://h/v1'],
    ['that leads upwards', '/v1/../admin'],
    ['that leads upwards, encoded', '/v1/%2e%2E/admin'],
    ['that leads upwards behind an encoded slash', '/v1/..%2fadmin'],
    ['that leads upwards between encoded slashes', '/v1%2f..%2fadmin'],
    ['that leads upwards by a backslash', '/v1/..\\admin'],
    ['that leads upwards by an encoded backslash', '/v1/..%5cadmin'],
    ['that leads upwards, encoded twice', '/v1/%252e%252e/admin'],
    ['that leads upwards, encoded thrice', '/v1/%25252e%25252e%25252fadmin'],
    ['that leads upwards, encoded more often than anybody decodes', `/v1/%${'25'.repeat(9)}2e/x`],
    ['that takes more decoding than anybody does', `/v1/%${'25'.repeat(9)}41`],
    ['that leads upwards with parameters', '/v1/..;x/admin'],
    ['that leads upwards beside what cannot be decoded', '/v1/%zz/%2e%2e%2fadmin'],
    ['that leads upwards at its end', '/v1/..'],
    ['that leads upwards at its end, encoded twice', '/v1/%252e%252e'],
    ['that leads upwards at its end by an encoded backslash', '/v1/x%5c..'],
    ['that takes one decoding more than anybody does', `/v1/%${'25'.repeat(4)}41`],
    ['that stands still', '/v1/./admin'],
    ['that ends early', '/v1/%00'],
    ['with a line break', '/v1/%0a'],
  ])('%s', (_, path) => {
    expect(isBelow(path, ['/v1'])).toBe(false)
  })
})

it('one of several prefixes is enough', () => {
  expect(isBelow('/b/x', ['/a', '/b'])).toBe(true)
  expect(isBelow('/c', ['/a', '/b'])).toBe(false)
})

it('the prefix / covers what is a path', () => {
  expect(isBelow('/anything', ['/'])).toBe(true)
  expect(isBelow('', ['/'])).toBe(false)
  expect(isBelow('/../x', ['/'])).toBe(false)
})

it('whatever is below /v1 still is after any decoding, and any way to resolve it', () => {
  const piece = fc.constantFrom(
    'v1',
    'admin',
    '..',
    '.',
    '/',
    '%2f',
    '%2e',
    '%25',
    '5c',
    '\\',
    '%5C',
    ';',
    'x',
  )
  const path = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)
  fc.assert(
    fc.property(path, (sent) => {
      if (!isBelow(sent, ['/v1'])) return
      expect(resolutionsOf(sent).filter((resolved) => !/^\/v1(?:[/;]|$)/.test(resolved))).toEqual(
        [],
      )
    }),
    { numRuns: 20_000 },
  )
})

describe('a prefix', () => {
  it.each(['/', '/v1', '/v1/models', '/v1/a.b', '/~x', "/a!$&'()+,=:@b"])('may be %s', (prefix) => {
    expect(isPathPrefix(prefix)).toBe(true)
  })

  it.each([
    '',
    'v1',
    '/v1/',
    '//',
    '/v1//x',
    '/a%20b',
    '/v1?x',
    '/v1#x',
    '/v1;x',
    '/v1/..',
    '/./x',
    '/v1/x y',
    '/*',
    '/v1/*',
    '/v1/**',
    '/v1*',
    '/v1/*/models',
    '/é',
    '/a\\b',
    '/v1\n',
  ])('may not be %j', (prefix) => {
    expect(isPathPrefix(prefix)).toBe(false)
  })
})

describe('the prefix that was meant', () => {
  it.each([
    ['/v1/*', '/v1'],
    ['/v1/**', '/v1'],
    ['/v1/', '/v1'],
    ['/*', '/'],
    ['/v1/models/*', '/v1/models'],
    ['/v1*', undefined],
    ['/v1/*/*', undefined],
    ['v1/*', undefined],
    ['/v1?key=secret/*', undefined],
    ['*', undefined],
    ['', undefined],
  ])('by %j is %j', (text, prefix) => {
    expect(meantPrefix(text)).toBe(prefix)
  })
})

/** What servers make of a path: decoded up to five times, dot segments resolved before or after. */
function resolutionsOf(sent: string): string[] {
  const decoded = [sent]
  for (let times = 0; times < 5; times += 1) decoded.push(decode(decoded.at(-1) ?? ''))
  return decoded.flatMap((path) => [resolve(path), resolve(path.replaceAll('\\', '/'))])
}

function decode(path: string): string {
  return path.replace(/%[0-7][\da-f]/gi, decodeURIComponent)
}

function resolve(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/').filter((one) => one !== '')) {
    const [name = ''] = segment.split(';')
    if (name === '..') kept.pop()
    if (name !== '..' && name !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}
