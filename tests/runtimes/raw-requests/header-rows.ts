import {
  allowed,
  byServer,
  denied,
  head,
  lines,
  LONG_TOKEN,
  malformed,
  malformedTarget,
  missing,
  on,
  row,
  TOKEN,
  variantsOf,
} from './row.ts'
import type { Expected, Others, Row, Variant } from './row.ts'

const EVIL = 'Authorization: Bearer evil'

/** Header lines, as far as a server decides what of them a guard gets. Characters stand for bytes. */
export const HEADER_ROWS: readonly Row[] = [
  row('two Authorization lines (Envoy CVE-2021-32777)', [
    ...lines('good and evil', [TOKEN, EVIL], malformed),
    ...lines('evil and good', [EVIL, TOKEN], malformed),
    ...lines('good and good', [TOKEN, TOKEN], malformed),
    ...lines('good and empty', [TOKEN, 'Authorization:'], malformed),
    ...lines('two spellings', [TOKEN, 'authorization: Bearer evil'], malformed),
    ...lines('Basic first', ['Authorization: Basic zzz', TOKEN], malformed),
    ...lines('Basic last', [TOKEN, 'Authorization: Basic zzz'], malformed),
  ]),
  row('the spelling of the scheme (Caddy CVE-2026-45135)', [
    ...value('BEARER', 'BEARER good', allowed()),
    ...value('full-width', `${bytesOf('ＢＥＡＲＥＲ')} good`, missing),
    ...value('a long s that folds to s', `${bytesOf('Bearer\u017f')} good`, malformed),
    ...value('a Cyrillic e', `${bytesOf('B\u0435arer')} good`, missing),
    ...value('a no-break space of UTF-8', `${bytesOf('Bearer\u00a0')}good`, malformed),
    ...value('U+FEFF before the scheme', `${bytesOf('\ufeff')}Bearer good`, missing),
  ]),
  row('another blank in place of the space', [
    ...value('a tab', 'Bearer\tgood', malformed),
    ...value('a no-break space', 'Bearer\xa0good', malformed),
    ...value('a vertical tab', 'Bearer\x0bgood', byServer, on('workerd', malformed)),
    ...value('a form feed', 'Bearer\x0cgood', byServer, on('workerd', malformed)),
  ]),
  row('blanks around the value, which HTTP removes', [
    ...value('spaces after it', 'Bearer good   ', allowed()),
    ...value('a tab after it', 'Bearer good\t', allowed()),
    ...value('both before it', '\t Bearer good', allowed()),
    ...value('8 KB of spaces and nothing', `Bearer${' '.repeat(8192)}`, malformed),
    ...value('an empty value', '', missing),
    ...value('only blanks', ' \t ', missing),
  ]),
  row('bytes that are not ASCII', [
    ...value('an e acute of UTF-8', `Bearer ${bytesOf('\u00e9')}`, malformed),
    ...value('an e acute of latin-1', 'Bearer \xe9', malformed),
    ...value('FF', 'Bearer \xff', malformed),
    ...value('FE, which decodes to the same', 'Bearer \xfe', malformed),
    ...value('an e acute after a good token', 'Bearer good\xe9', malformed),
    ...value('a no-break space after a good token', 'Bearer good\xa0', malformed),
  ]),
  // workerd limits headers in size at a higher number, and not in count.
  row('the length of a token', [
    ...value('8 KiB', `Bearer ${LONG_TOKEN}`, allowed({ token: LONG_TOKEN })),
    ...value('15 KB', `Bearer ${'g'.repeat(15_000)}`, malformed),
    ...value('64 KB', `Bearer ${'g'.repeat(65_536)}`, byServer, on('workerd', malformed)),
    ...value('1 MB', `Bearer ${'g'.repeat(1_048_576)}`, byServer),
  ]),
  row('many headers', [
    ...lines('100', [...many(90), TOKEN], allowed()),
    ...lines('200', [...many(200), TOKEN], allowed(), on(['bun', 'deno'], byServer)),
    ...lines(
      '2,000',
      [...many(2000), TOKEN],
      byServer,
      // It drops the headers after the 2,000th, and the token is one of them.
      on('older-node', missing),
      on('workerd', allowed()),
    ),
    ...lines(
      'more than 64 KiB of them',
      [...many(700, 'a'.repeat(100)), TOKEN],
      byServer,
      on('workerd', malformedTarget),
    ),
  ]),
  row('control characters in the value', [
    ...value('a NUL', 'Bearer go\0od', byServer),
    ...value('a NUL after it', 'Bearer good\0', byServer),
    ...value('a DEL', 'Bearer good\x7f', byServer, on(['bun', 'workerd'], malformed)),
    ...value('a bare CR', 'Bearer good\revil', byServer),
    ...value('a bare CR and a header', `Bearer evil\r${TOKEN}`, byServer),
    ...value('a bare LF', 'Bearer go\nod', byServer),
    // It ends a line: what follows is one more header of the client.
    ...value(
      'a bare LF and a header',
      'Bearer evil\nX-User: root',
      byServer,
      on(['deno', 'workerd'], denied({ token: 'evil' })),
    ),
    ...lines(
      'a bare LF and a token',
      `X-A: b\n${TOKEN}`,
      byServer,
      on(['deno', 'workerd'], allowed()),
    ),
    ...value('a folded line', 'Bearer\r\n good', byServer),
    ...value('a folded line after the token', 'Bearer good\r\n evil', byServer),
    ...lines('a token in a folded line', `X-A: b\r\n ${TOKEN}`, byServer),
  ]),
  // Node 20.19 accepts a blank, and a line without a name. Both count for nothing.
  row('a blank before the colon', [
    ...lines('a space', 'Authorization : Bearer good', byServer, on('node-20.19', missing)),
    ...lines('a tab', 'Authorization\t: Bearer good', byServer),
    ...lines('no name', ': Bearer good', byServer, on('node-20.19', missing)),
    ...lines('a space before the name', ` ${TOKEN}`, byServer),
    ...variantsOf(
      [['as the first line', head('GET /admin HTTP/1.1', ` ${TOKEN}`, 'Host: h.test'), byServer]],
      [],
    ),
  ]),
  row('names of Object.prototype', [
    ...told({ ['__proto__']: 'x' }, '__proto__: x'),
    ...told({ constructor: 'x' }, 'constructor: x'),
    ...told({ hasownproperty: 'x' }, 'hasOwnProperty: x'),
    ...told(
      { tostring: 'x', ['__proto__']: 'a, b' },
      '__proto__: a',
      'toString: x',
      '__proto__: b',
    ),
  ]),
  row(
    'one name in two spellings, or twice (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-54763, Caddy CVE-2026-52845)',
    [
      ...told({ 'x-user': 'a', x_user: 'b' }, 'X-User: a', 'X_User: b'),
      ...told({ 'x-user': 'a', 'x.user': 'b' }, 'X-User: a', 'x.user: b'),
      ...told({ 'x-user': 'a, b' }, 'X-User: a', 'x-USER: b'),
      ...told({ 'x-user': 'b, a' }, 'X-User: b', 'X-Other: c', 'X-User: a'),
    ],
  ),
  row(
    'headers that others have obeyed (Next.js CVE-2025-29927, oauth2-proxy CVE-2026-40575 and CVE-2026-34457, Traefik CVE-2026-35051)',
    [
      'x-middleware-subrequest: middleware:middleware:middleware:middleware:middleware',
      'X-Original-URI: /healthz',
      'X-Original-URL: /healthz',
      'X-Forwarded-Uri: /healthz',
      'X-Forwarded-Prefix: /public',
      'X-Forwarded-Host: h/public/',
      'X-Rewrite-URL: /healthz',
      'X-HTTP-Method-Override: HEAD',
      'User-Agent: GoogleHC/1.0',
      'X-Forwarded-For: 127.0.0.1',
      'Proxy-Authorization: Bearer good',
      'Sec-WebSocket-Protocol: bearer.good',
    ].flatMap((line) => [
      ...lines(line, line, missing),
      ...lines(`${line} and a token`, [line, TOKEN], allowed()),
    ]),
  ),
  row('what could split the challenge (the realm: tests/core/config/options.test.ts)', [
    ...lines(
      'X-Forwarded-Host',
      ['X-Forwarded-Host: h", error="x', 'Authorization: Bearer "'],
      denied({ token: '"' }),
    ),
  ]),
]

function value(name: string, text: string, expected: Expected, ...others: Others[]): Variant[] {
  return lines(name, `Authorization: ${text}`, expected, ...others)
}

/** The bytes of UTF-8, one character for each. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function many(count: number, text = 'a'): string[] {
  return Array.from({ length: count }, (_, index) => `X-${index}: ${text}`)
}

function told(headers: Readonly<Record<string, string>>, ...sent: readonly string[]): Variant[] {
  return lines(sent.join(', '), [...sent, TOKEN], allowed({ headers }))
}
