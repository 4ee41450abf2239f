import { LONG_TOKEN } from './endpoint.ts'
import { get, TOKEN } from './bytes.ts'
import { allowed, byServer, denied, malformed, missing, row, variant } from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** Values that a client may write into the header, and their meaning. Characters stand for bytes. */
export const HEADER_ROWS: readonly Row[] = [
  row('two Authorization lines', 'two Authorization lines (Envoy CVE-2021-32777)', [
    lines('good and evil', malformed, TOKEN, 'Authorization: Bearer evil'),
    lines('evil and good', malformed, 'Authorization: Bearer evil', TOKEN),
    lines('good and good', malformed, TOKEN, TOKEN),
    lines('good and empty', malformed, TOKEN, 'Authorization:'),
    lines('two spellings', malformed, TOKEN, 'authorization: Bearer evil'),
  ]),
  row('another scheme', 'another scheme beside a good token', [
    lines('Basic first', malformed, 'Authorization: Basic zzz', TOKEN),
    lines('Basic last', malformed, TOKEN, 'Authorization: Basic zzz'),
  ]),
  row('a list of tokens', 'a list of tokens in one line', [
    authorization('Bearer a, Bearer b', malformed),
    authorization('Bearer good, Bearer good', malformed),
    authorization('Bearer good,evil', malformed),
  ]),
  row('the scheme', 'the spelling of the scheme (Caddy CVE-2026-45135)', [
    authorization('BEARER good', allowed()),
    authorization('bearer good', allowed()),
    authorization('bEaReR good', allowed()),
    named('full-width', `${bytesOf('ＢＥＡＲＥＲ')} good`, missing),
    named('a long s that folds to s', `${bytesOf('Bearer\u017f')} good`, malformed),
    named('a Cyrillic e', `${bytesOf('B\u0435arer')} good`, missing),
    named('a no-break space of latin-1', 'Bearer\xa0good', malformed),
    named('a no-break space of UTF-8', `${bytesOf('Bearer\u00a0')}good`, malformed),
  ]),
  row('another blank', 'another blank in place of the space', [
    named('a tab', 'Bearer\tgood', malformed),
    named('a vertical tab', 'Bearer\x0bgood', byServer),
    named('a no-break space', 'Bearer\xa0good', malformed),
    named('a form feed', 'Bearer\x0cgood', byServer),
  ]),
  row('spaces', 'more than one space', [
    named('2 spaces', 'Bearer  good', allowed()),
    named('64 spaces', `Bearer${' '.repeat(64)}good`, allowed()),
    named('65 spaces', `Bearer${' '.repeat(65)}good`, malformed),
    named('8 KB of spaces', `Bearer${' '.repeat(8192)}good`, malformed),
    named('8 KB of spaces and nothing', `Bearer${' '.repeat(8192)}`, malformed),
  ]),
  row('blanks around', 'blanks around the value', [
    named('spaces after it', 'Bearer good   ', allowed()),
    named('a tab after it', 'Bearer good\t', allowed()),
    named('both after it', 'Bearer good \t ', allowed()),
    named('both before it', '\t Bearer good', allowed()),
  ]),
  row('no token', 'no token (capsule-proxy: an empty token passed)', [
    authorization('Bearer', malformed),
    named('a space', 'Bearer ', malformed),
    named('blanks', 'Bearer  \t', malformed),
    named('an empty value', '', missing),
    named('only blanks', ' \t ', missing),
    lines('no header', missing),
  ]),
  row('decorated', 'a decorated token (Kubernetes test list)', [
    authorization('Bearer "good"', denied({ token: '"good"' })),
    authorization("Bearer 'good'", denied({ token: "'good'" })),
    authorization('Bearer <good>', denied({ token: '<good>' })),
    authorization('Bearer token=good', denied({ token: 'token=good' })),
    authorization('Bearer: good', malformed),
    authorization('Bearer good good', malformed),
    authorization('good', missing),
  ]),
  row('percent in a token', 'percent-encoding in a token (Auth.js GHSA-xmf8-cvqr-rfgj)', [
    authorization('Bearer %%', denied({ token: '%%' })),
    authorization('Bearer %00', denied({ token: '%00' })),
    authorization('Bearer g%6fod', denied({ token: 'g%6fod' })),
    authorization('Bearer a%20b', denied({ token: 'a%20b' })),
  ]),
  row('not ASCII', 'bytes that are not ASCII', [
    named('an e acute of UTF-8', `Bearer ${bytesOf('\u00e9')}`, malformed),
    named('an e acute of latin-1', 'Bearer \xe9', malformed),
    named('FF', 'Bearer \xff', malformed),
    named('FE, which decodes to the same', 'Bearer \xfe', malformed),
    named('an e acute after a good token', 'Bearer good\xe9', malformed),
    named('a no-break space after a good token', 'Bearer good\xa0', malformed),
    named('U+FEFF before the scheme', `${bytesOf('\ufeff')}Bearer good`, missing),
  ]),
  row('length', 'the length of a token', [
    named('8 KiB', `Bearer ${LONG_TOKEN}`, allowed({ token: LONG_TOKEN })),
    named('8 KiB and 1', `Bearer ${LONG_TOKEN}g`, malformed),
    named('15 KB', `Bearer ${'g'.repeat(15_000)}`, malformed),
    named('64 KB', `Bearer ${'g'.repeat(65_536)}`, byServer),
    named('1 MB', `Bearer ${'g'.repeat(1_048_576)}`, byServer),
  ]),
]

function authorization(value: string, expected: Expected): Variant {
  return named(value, value, expected)
}

function named(name: string, value: string, expected: Expected): Variant {
  return lines(name, expected, `Authorization: ${value}`)
}

function lines(name: string, expected: Expected, ...headers: readonly string[]): Variant {
  return variant(name, get('/admin', ...headers), expected)
}

/** The bytes of UTF-8, one character for each. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}
