import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBelow, isPathPrefix, meantPrefix } from '../../src/keys/paths.ts'
import { runs } from '../support/nightly.ts'

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
    ['that is empty', ''],
    ['that only begins with the same letters', '/v1x'],
    ['in capitals', '/V1'],
    ['above it', '/'],
    ['with a segment before it', '/x/v1'],
    ['with an empty segment before it', '//v1'],
    ['with the slash encoded', '/v1%2fadmin'],
    ['with a backslash for the slash', '/v1\\admin'],
    ['with parameters', '/v1;a=1'],
    ['with a query in it', '/v1?'],
    ['without a slash', 'v1'],
    ['of a URL', 'http://h/v1'],
    ['that leads upwards by a backslash', '/v1/..\\admin'],
    ['that leads upwards, encoded twice', '/v1/%252e%252e/admin'],
    ['that leads upwards, encoded three times', '/v1/%25252e%25252e%25252fadmin'],
    ['that leads upwards, encoded nine times', `/v1/%${'25'.repeat(9)}2e/x`],
    ['that is encoded nine times', `/v1/%${'25'.repeat(9)}41`],
    ['that leads upwards at its end, encoded twice', '/v1/%252e%252e'],
    ['that is encoded five times', `/v1/%${'25'.repeat(4)}41`],
    ['with an encoded NUL', '/v1/%00'],
    ['with a line break', '/v1/%0a'],
  ])('%s', (_, path) => {
    expect(isBelow(path, ['/v1'])).toBe(false)
  })
})

it('one of several prefixes is enough', () => {
  expect(isBelow('/b/x', ['/a', '/b'])).toBe(true)
  expect(isBelow('/c', ['/a', '/b'])).toBe(false)
})

it('the prefix / includes every path', () => {
  expect(isBelow('/anything', ['/'])).toBe(true)
  expect(isBelow('', ['/'])).toBe(false)
  expect(isBelow('/../x', ['/'])).toBe(false)
})

it('a path below /v1 stays below it, however a server decodes and resolves it', () => {
  const pieces = 'v1 admin .. . / %2f %2e %25 5c \\ %5C ; x'.split(' ')
  const piece = fc.constantFrom(...pieces)
  const path = fc.array(piece, { maxLength: 12 }).map((parts) => `/${parts.join('')}`)
  fc.assert(
    fc.property(path, (sent) => {
      if (!isBelow(sent, ['/v1'])) return
      expect(resolutionsOf(sent).filter((resolved) => !/^\/v1(?:[/;]|$)/.test(resolved))).toEqual(
        [],
      )
    }),
    { numRuns: runs(20_000) },
  )
})

describe('a prefix', () => {
  it.each(['/', '/v1', '/v1/models', '/v1/a.b', '/~x', "/a!$&'()+,=:@b"])('may be %s', (prefix) => {
    expect(isPathPrefix(prefix)).toBe(true)
  })

  const wrong = ' |v1|/v1/|//|/v1//x|/a%20b|/v1?x|/v1#x|/v1;x|/v1/..|/./x|/v1/x y|/é|/a\\b|/v1\n'
  const patterns = '/*|/v1/*|/v1/**|/v1*|/v1/*/models'
  it.each(['', ...`${wrong}|${patterns}`.split('|')])('may not be %j', (prefix) => {
    expect(isPathPrefix(prefix)).toBe(false)
  })
})

describe('the prefix to write', () => {
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
  ])('for %j is %j', (text, prefix) => {
    expect(meantPrefix(text)).toBe(prefix)
  })
})

/** The paths that servers may read: decoded up to five times, with dot segments resolved. */
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
