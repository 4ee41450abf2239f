import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalPath, isPlainHost, parseTarget } from '../../../src/core/request/target.ts'
import { runs } from '../../support/nightly.ts'
import { words } from '../../support/words.ts'

describe('parseTarget', () => {
  it.each([
    ['http://h/', '/', ''],
    ['https://h:8443/a/b', '/a/b', ''],
    ['http://h/a?x=1&y=/b', '/a', 'x=1&y=/b'],
    ['http://h/a?', '/a', ''],
    ['http://h/a??x', '/a', '?x'],
    ['http://[::1]:80/a', '/a', ''],
    ['http://h/a;b=c/@d', '/a;b=c/@d', ''],
    ['http://h//a//', '//a//', ''],
    ['http://h/a?b\\c@d', '/a', 'b\\c@d'],
  ])('reads %s as path %s and query %s', (url, path, query) => {
    expect(parseTarget(url)).toEqual({ path, query })
  })

  it.each([
    '',
    '/p',
    'ftp://h/a',
    'HTTP://h/a',
    'xhttp://h/a',
    '/a?http://h/b',
    'http:///a',
    'http://h',
    'http://h?/admin',
    'http://u:p@h/a',
    'http://h\\public/admin',
    'http://h#x/admin',
    'http://h /a',
    'http://h/a#b',
    'http://h/a\\b',
    'http://h/a b',
    'http://h/a\u0000',
    'http://h/a?x=1 ',
  ])('returns undefined for %j', (url) => {
    expect(parseTarget(url)).toBeUndefined()
  })

  it('returns undefined for a URL of more than 65,536 characters', () => {
    const path = `/${'a'.repeat(65_536 - 'http://h/'.length)}`
    expect(parseTarget(`http://h${path}`)).toEqual({ path, query: '' })
    expect(parseTarget(`http://h${path}a`)).toBeUndefined()
    expect(parseTarget(`http://h/?${'a'.repeat(1_000_000)}`)).toBeUndefined()
  })

  it('reads the same path and query as a URL parser for every URL that one writes', () => {
    const segment = fc
      .stringMatching(/^[\w.~!$&'()*+,;=:@-]{1,8}$/)
      // Not all parsers take them away (Node 20 leaves `/:/.*/.` as it is), so they are rejected.
      .filter((text) => !/^\.{1,2}(?:;|$)/.test(text))
    const parts = fc.record({
      segments: fc.array(segment, { maxLength: 5 }),
      query: fc.string({ maxLength: 20 }),
    })
    fc.assert(
      fc.property(parts, ({ segments, query }) => {
        const url = new URL(`http://h/${segments.join('/')}`)
        url.search = query
        const target = parseTarget(url.href)
        expect(target).toEqual({ path: url.pathname, query: url.search.slice(1) })
      }),
      { numRuns: runs(2000) },
    )
  })
})

describe('canonicalPath', () => {
  it.each([
    ['/%61dmin', '/admin'],
    ['/%7Euser/%2D%5f%30', '/~user/-_0'],
    ['/%41%5A%61%7A', '/AZaz'],
    ['/a%2Fb%3f%25', '/a%2Fb%3f%25'],
    ['/%252e%252e/a', '/%252e%252e/a'],
    ['/a%zz%', '/a%zz%'],
    ['/%u002e', '/%u002e'],
    ['/..a/...', '/..a/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a%2F..b%5c...', '/a%2F..b%5c...'],
    ['/v1/models/meta%2Fllama', '/v1/models/meta%2Fllama'],
    ['/a;b/;..', '/a;b/;..'],
    ['/a%3B..', '/a%3B..'],
    ['/%252e%252e%252fa', '/%252e%252e%252fa'],
    ['/é', '/%C3%A9'],
    ['/\t', '/%09'],
    ['/"<>^`{}|', '/%22%3C%3E%5E%60%7B%7D|'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/😀', '/%F0%9F%98%80'],
    ['/%E9%C0%AE', '/%E9%C0%AE'],
    ['/%5B%5D%3A%2F%40', '/%5B%5D%3A%2F%40'],
    ['/%60%7B', '/%60%7B'],
  ])('writes %s as %s', (raw, canonical) => {
    expect(canonicalPath(raw)).toBe(canonical)
  })

  it('is stable: the canonical form of a canonical path is itself', () => {
    const piece = fc.constantFrom(...words('% 2 5 e f %25 %32 %61 %2e / . é %2f z'))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const canonical = canonicalPath(`/${pieces.join('')}`)
        if (canonical === undefined) return
        expect(canonicalPath(canonical)).toBe(canonical)
      }),
      { numRuns: runs(20_000) },
    )
  })
})

describe('isPlainHost', () => {
  it.each([null, '', 'h', 'h.test:8080', '[::1]:80', "a-b_c~!$&'()*+,;=%20"])(
    'takes %j for a host',
    (host) => {
      expect(isPlainHost(host)).toBe(true)
    },
  )

  it.each(['h/public/x', '/h', 'h?', '?h', 'h#x', 'u@h', 'h\\public', 'h x', 'h\t', 'é'])(
    'finds more than a host in %j',
    (host) => {
      expect(isPlainHost(host)).toBe(false)
    },
  )
})
