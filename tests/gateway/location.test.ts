import { expect, it } from 'vitest'
import { hideUpstream, parseUpstream } from '../../src/gateway/upstream-url.ts'

function hidden(value: string, upstream = 'http://u:8000', scheme = 'http'): string | null {
  const headers = new Headers({ location: value, 'content-location': value, link: value })
  hideUpstream(headers, parseUpstream(upstream, false), scheme)
  expect(headers.get('content-location')).toBe(headers.get('location'))
  expect(headers.get('link')).toBe(value)
  return headers.get('location')
}

it.each([
  ['http://u:8000/v1/files/', '/v1/files/'],
  ['HTTP://U:8000/v1?a=%7E&b#c', '/v1?a=%7E&b#c'],
  ['http://u:8000', '/'],
  ['http://u:8000?a=1', '/?a=1'],
  ['//u:8000/x', '/x'],
  ['http://me:pw@u:8000/x', '/x'],
  // As UTF-8 reaches a Request: it must not be encoded twice.
  ['http://u:8000/caf\u00c3\u00a9', '/caf\u00c3\u00a9'],
])('the address of the upstream %s becomes the path %s', (value, path) => {
  expect(hidden(value)).toBe(path)
})

it.each([
  ['http://u:8000/base/v1/x', '/v1/x'],
  ['http://u:8000/base', '/'],
  ['http://u:8000/base?a', '/?a'],
  ['http://u:8000/basement', 'http://u:8000/basement'],
  ['http://u:8000/other', 'http://u:8000/other'],
  ['http://u:8000/base/../other', 'http://u:8000/base/../other'],
  ['http://u:8000/base/../base/x', 'http://u:8000/base/../base/x'],
])('below a base path %s becomes %s', (value, path) => {
  expect(hidden(value, 'http://u:8000/base')).toBe(path)
})

it.each([
  'http://u/x',
  'http://u:8001/x',
  'http://u.evil.test:8000/x',
  'http://u:8000@evil.test/x',
  'http://evil.test/http://u:8000/x',
  '/base/x',
  'http://u:8000\\x',
])('%s stays as it is', (value) => {
  expect(hidden(value)).toBe(value)
})

it('is found by the scheme that the upstream was told, too', () => {
  expect(hidden('https://u:8000/x', 'http://u:8000', 'https')).toBe('/x')
  expect(hidden('https://u/x', 'http://u', 'https')).toBe('/x')
  expect(hidden('https://u/x', 'http://u')).toBe('https://u/x')
})

it.each(['//evil.test/x', '/\\evil.test/x', '/\t/evil.test/x', '///evil.test', '/\t\\evil.test'])(
  'the path %j does not become another host (open redirect)',
  (path) => {
    for (const base of ['', '/base']) {
      const value = hidden(`http://u:8000${base}${path}`, `http://u:8000${base}`) ?? ''
      expect(value).toBe(`/.${path}`)
      expect(new URL(value, 'https://api.test/a').origin).toBe('https://api.test')
    }
  },
)
