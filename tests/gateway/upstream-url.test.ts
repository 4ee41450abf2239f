import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { parsePublicOrigin, parseUpstream, locate } from '../../src/gateway/upstream-url.ts'
import { parseTarget } from '../../src/core/request/target.ts'
import { runs } from '../support/nightly.ts'
import { words } from '../support/words.ts'

const UPSTREAM = { origin: 'http://127.0.0.1:8321', basePath: '/base' }

describe('an upstream', () => {
  it.each([
    ['http://127.0.0.1:8321', 'http://127.0.0.1:8321', ''],
    ['http://127.0.0.1:8321/', 'http://127.0.0.1:8321', ''],
    ['https://models.example.com/v1/', 'https://models.example.com', '/v1'],
    ['HTTPS://Models.Example.com:443', 'https://models.example.com', ''],
    ['https://models.example.com/a%20b', 'https://models.example.com', '/a%20b'],
  ])('%s is split into origin and path', (url, origin, basePath) => {
    expect(parseUpstream(url, false)).toEqual({ origin, basePath })
  })

  it.each(
    words(`
    http://localhost:8321 http://llama-stack:8321 http://host.docker.internal:8321
    http://llama.default.svc.cluster.local http://127.1.2.3 http://10.0.0.5:80/x
    http://172.16.0.1 http://172.31.255.1 http://192.168.1.2 http://[::1]:8321
    http://[fd00::1]:8321 HTTP://LocalHost:8321/x
  `),
  )('%s may be http, since it is within a private network', (url) => {
    expect(() => parseUpstream(url, false)).not.toThrow()
  })

  it.each(
    words(`
    http://models.example.com http://localhost.evil.com http://127.0.0.1.nip.io
    http://10.0.0.1.nip.io http://172.32.0.1 http://169.254.169.254 http://0.0.0.0
    http://2130706433 http://0x7f.1 http://evil.com/localhost http://[2001:db8::1]
    http://internal.evil.com
  `),
  )('%s may be http only with allowInsecureHttp', (url) => {
    expect(() => parseUpstream(url, false)).toThrow(/"upstream" must be an https URL/)
    expect(() => parseUpstream(url, true)).not.toThrow()
  })

  it.each<readonly [unknown, RegExp]>([
    [undefined, /received undefined/],
    ['', /received ""/],
    [5, /received 5/],
    ...[
      'models.example.com',
      'ftp://h',
      'javascript:alert(1)',
      'file:///etc/passwd',
      'https://',
      'https://h:99999',
      'x-https://h',
    ].map((url) => [url, /absolute http or https URL/] as const),
    [' https://h', /absolute http or https URL/],
    [String.raw`https://h\x`, /absolute http or https URL/],
    ...['/a/../b', '/a/%2e%2e/b', '//b', '/%41'].map(
      (path) => [`https://h${path}`, /an unambiguous path/] as const,
    ),
  ])('%j is rejected', (value, message) => {
    expect(() => parseUpstream(value, true)).toThrow(message)
    expect(() => parseUpstream(value, true)).toThrow(AuthConfigError)
    expect(() => parseUpstream(value, true)).toThrow(
      expect.objectContaining({ option: 'upstream' }),
    )
  })

  it.each([
    'https://user:secret@h/',
    'https://secret@h',
    'https://h/?key=secret',
    'https://h/#secret',
  ])('%s is rejected, and the error does not show the secret', (url) => {
    expect(() => parseUpstream(url, true)).toThrow(/"upstream" must be a URL without/)
    expect(() => parseUpstream(url, true)).not.toThrow(/secret/)
  })
})

describe('a public origin', () => {
  it.each(['https://api.example.com', 'https://api.example.com/', 'http://localhost:3000'])(
    'may be %s',
    (origin) => {
      expect(parsePublicOrigin(origin).origin).toBe(origin.replace(/\/$/, ''))
    },
  )

  it.each([
    undefined,
    '',
    5,
    'api.example.com',
    'https://api.example.com/x',
    'https://a@b',
    'ws://h',
  ])('cannot be %j', (value) => {
    expect(() => parsePublicOrigin(value)).toThrow(/"publicOrigin" must be an origin/)
  })

  it.each(['https://user:s3cret@h', 'https://h/?key=s3cret', 'https://h/#s3cret', 's3cret@h'])(
    'is not shown in the error if it may hold a secret: %s',
    (value) => {
      expect(() => parsePublicOrigin(value)).toThrow(
        /^"publicOrigin" must be an origin such as "https:\/\/api\.example\.com" \(its value is not shown\)$/,
      )
    },
  )
})

describe('the URL at the upstream', () => {
  it.each([
    ['https://api.test/x', 'http://127.0.0.1:8321/base/x'],
    ['https://api.test/', 'http://127.0.0.1:8321/base/'],
    ['https://api.test/x?a=1&a=2', 'http://127.0.0.1:8321/base/x?a=1&a=2'],
    ['https://api.test/a%2fb%20c?d=%zz', 'http://127.0.0.1:8321/base/a%2fb%20c?d=%zz'],
    ['https://api.test/%61', 'http://127.0.0.1:8321/base/a'],
    ['https://api.test//evil.com/x', 'http://127.0.0.1:8321/base//evil.com/x'],
    ['https://api.test/http://evil.com/x', 'http://127.0.0.1:8321/base/http://evil.com/x'],
    ['https://api.test/@evil.com/x', 'http://127.0.0.1:8321/base/@evil.com/x'],
    ['https://api.test/:80/x', 'http://127.0.0.1:8321/base/:80/x'],
  ])('for %s is %s', (url, expected) => {
    const target = parseTarget(url)
    expect(target && locate(UPSTREAM, target)).toBe(expected)
  })

  it('keeps the host and the base path for every request', () => {
    const parts = [
      '/',
      '//',
      '..',
      '.',
      '%2e',
      '@',
      ':',
      '%2f',
      'evil.com',
      'a',
      ';',
      '|',
      '^',
      '[',
      'é',
    ]
    const part = fc.constantFrom(...parts, '%', '?', '&', "'")
    const { failed } = fc.check(
      fc.property(fc.array(part, { maxLength: 12 }), (written) => {
        const target = parseTarget(`https://api.test/${written.join('')}`)
        const url = target && locate(UPSTREAM, target)
        if (url === undefined) return target === undefined
        return url.startsWith('http://127.0.0.1:8321/base/')
      }),
      { numRuns: runs(3000) },
    )
    expect(failed).toBe(false)
  })

  it('is undefined if a URL parser finds another host or path', () => {
    expect(locate(UPSTREAM, { path: '/../x', query: '' })).toBeUndefined()
    const bare = parseUpstream('http://127.0.0.1', false)
    expect(locate(bare, { path: '.evil.com/x', query: '' })).toBeUndefined()
    expect(locate(bare, { path: '@evil.com/x', query: '' })).toBeUndefined()
  })
})
