import { get, head, sendTo, TOKEN } from './bytes.ts'
import { allowed, byServer, denied, malformedTarget, missing, row, variant } from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** How headers are framed and named, and headers that others have obeyed. */
export const HEADER_FRAMING_ROWS: readonly Row[] = [
  row('control', 'control characters in the value', [
    named('a NUL', 'Authorization: Bearer go\0od', byServer),
    named('a NUL after it', 'Authorization: Bearer good\0', byServer),
    named('a DEL', 'Authorization: Bearer good\x7f', byServer),
    named('a bare CR', 'Authorization: Bearer good\revil', byServer),
    named(
      'a bare CR and a header',
      'Authorization: Bearer evil\rAuthorization: Bearer good',
      byServer,
    ),
    named('a bare LF', 'Authorization: Bearer go\nod', byServer),
    named('a bare LF and a header', 'Authorization: Bearer evil\nX-User: root', byServer),
    named('a bare LF and a token', 'X-A: b\nAuthorization: Bearer good', byServer),
    named('a folded line', 'Authorization: Bearer\r\n good', byServer),
    named('a folded line after the token', 'Authorization: Bearer good\r\n evil', byServer),
    named('a token in a folded line', 'X-A: b\r\n Authorization: Bearer good', byServer),
  ]),
  row('before the colon', 'a blank before the colon', [
    named('a space', 'Authorization : Bearer good', byServer),
    named('a tab', 'Authorization\t: Bearer good', byServer),
    named('no name', ': Bearer good', byServer),
    named('a space before the name', ' Authorization: Bearer good', byServer),
    variant(
      'as the first line',
      head('GET /admin HTTP/1.1', ' Authorization: Bearer good', 'Host: h.test'),
      byServer,
    ),
  ]),
  row('many headers', 'many headers', [
    named('100', [...many(90), TOKEN].join('\r\n'), allowed()),
    named('200', [...many(200), TOKEN].join('\r\n'), allowed()),
    named('2,000', [...many(2000), TOKEN].join('\r\n'), byServer),
    named(
      'more than 64 KiB of them',
      [...many(700, 'a'.repeat(100)), TOKEN].join('\r\n'),
      byServer,
    ),
  ]),
  row('prototype header', 'names of Object.prototype', [
    told({ ['__proto__']: 'x' }, '__proto__: x'),
    told({ constructor: 'x' }, 'constructor: x'),
    told({ hasownproperty: 'x' }, 'hasOwnProperty: x'),
    told({ tostring: 'x', ['__proto__']: 'a, b' }, '__proto__: a', 'toString: x', '__proto__: b'),
  ]),
  row(
    'two spellings',
    'one name in two spellings (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-54763, Caddy CVE-2026-52845)',
    [
      told({ 'x-user': 'a', x_user: 'b' }, 'X-User: a', 'X_User: b'),
      told({ 'x-user': 'a', 'x.user': 'b' }, 'X-User: a', 'x.user: b'),
      told({ 'x-user': 'a, b' }, 'X-User: a', 'x-USER: b'),
    ],
  ),
  row('elsewhere', 'a token elsewhere', [
    named('Proxy-Authorization', 'Proxy-Authorization: Bearer good', missing),
    named('X-Authorization', 'X-Authorization: Bearer good', missing),
    named('a cookie', 'Cookie: authorization=Bearer good', missing),
    named('X-Api-Key', 'X-Api-Key: good', missing),
    named('Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol: bearer.good', missing),
  ]),
  row(
    'obeyed by others',
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
    ].flatMap((line) => [
      named(line, line, missing),
      named(`${line} and a token`, `${line}\r\n${TOKEN}`, allowed()),
    ]),
  ),
  row(
    'challenge',
    'what could split the challenge (the realm: tests/core/config/options.test.ts)',
    [
      host('a quote and a blank in Host', 'h", error="x', malformedTarget),
      host('a quote in Host', 'h"realm="x"', missing),
      variant(
        'X-Forwarded-Host',
        get('/admin', 'X-Forwarded-Host: h", error="x', 'Authorization: Bearer "'),
        denied({ token: '"' }),
      ),
    ],
  ),
  row('sent twice', 'a header for a decision, sent twice (Envoy CVE-2021-32777)', [
    told({ 'x-tenant': 'a, b' }, 'X-Tenant: a', 'X-Tenant: b'),
    told({ 'x-tenant': 'b, a' }, 'X-Tenant: b', 'X-Tenant: a'),
    told({ 'x-tenant': 'a, b' }, 'X-Tenant: a', 'X-Other: c', 'x-tenant: b'),
  ]),
]

function many(count: number, value = 'a'): string[] {
  return Array.from({ length: count }, (_, index) => `X-${index}: ${value}`)
}

function named(name: string, lines: string, expected: Expected): Variant {
  return variant(name, get('/admin', lines), expected)
}

function host(name: string, value: string, expected: Expected): Variant {
  return variant(name, sendTo(value, 'GET', '/admin'), expected)
}

function told(headers: Readonly<Record<string, string>>, ...lines: readonly string[]): Variant {
  return variant(lines.join(', '), get('/admin', ...lines, TOKEN), allowed({ headers }))
}
