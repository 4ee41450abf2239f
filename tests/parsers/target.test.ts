import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hidesStructure, isPlainHost, parseTarget } from '../../src/core/request/target.ts'
import { hidesStructure as mayHide, isHost, readTarget } from './references/target.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'

const PATHS = [
  '/',
  '/',
  '//',
  'a',
  'Z9',
  '.',
  '..',
  '/.',
  '/../',
  '...',
  '~',
  '-_',
  ';',
  ':',
  '@',
  '&=',
]
const TRIPLETS = [
  '%2e',
  '%2E',
  '%61',
  '%7e',
  '%2f',
  '%5c',
  '%00',
  '%25',
  '%2561',
  '%3B',
  '%2F..',
  '%32',
  '%zz',
  '%',
  '%2',
  '%C3%A9',
]
const RAW = ['é', '😀', '\ud800', '\udc00a', '"', '<', '`', '{', '|', '^', '\u2028', '\ufeff']
const REFUSED = ['#', '\\', ' ', '\t', '\n', '\r', '\u0000', '\u007f']
const QUERIES = ['?', '?a=b', '&', '??', '?a=%zz#']
const AUTHORITIES = ['h', 'h.test', ':80', '[::1]', '@', '?', '#', '\\', '%', 'é', ' ', '_', '/']

const rests = textOf([...PATHS, ...TRIPLETS, ...RAW, ...QUERIES])
const hostileRests = textOf([...PATHS, ...TRIPLETS, ...RAW, ...QUERIES, ...REFUSED])
const schemes = fc.constantFrom('http://', 'https://', 'HTTP://', 'ftp://', 'http:/', '')
const URLS = fc.oneof(
  { weight: 4, arbitrary: rests.map((rest) => `http://h.test/${rest}`) },
  { weight: 2, arbitrary: hostileRests.map((rest) => `https://[::1]:80/${rest}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(schemes, textOf(AUTHORITIES, 4), hostileRests)
      .map(([scheme, authority, rest]) => `${scheme}${authority}/${rest}`),
  },
)

it('a target has the path and the query that the reference parser reads', SLOW, () => {
  const counts = compare(URLS, (url) => {
    const expected = readTarget(url)
    const kind = expected === undefined ? 'refused' : 'read'
    return { found: parseTarget(url), expected, kind }
  })
  expect(tooRare(counts, ['refused', 'read'], 10)).toEqual([])
})

it('a path hides structure where the reference parser finds some', SLOW, () => {
  const counts = compare(textOf([...PATHS, ...TRIPLETS]), (path) => {
    const expected = mayHide(path)
    return { found: hidesStructure(path), expected, kind: `${expected}` }
  })
  expect(tooRare(counts, ['true', 'false'])).toEqual([])
})

it('a Host is valid where the reference parser accepts it', SLOW, () => {
  const names = ['h', 'h.test', ':80', '[::1]', '_', '~', "!$&'()*+,;="]
  const hosts = fc.oneof(textOf(names, 4), textOf([...names, ...AUTHORITIES, ...REFUSED], 4))
  const counts = compare(hosts, (host) => {
    const expected = isHost(host)
    return { found: isPlainHost(host), expected, kind: `${expected}` }
  })
  expect(tooRare(counts, ['true', 'false'])).toEqual([])
})
