import { get, send, TOKEN } from './bytes.ts'
import { allowed, byServer, isPublic, malformedTarget, missing, row, variant } from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** The request line apart from the path. */
export const TARGET_ROWS: readonly Row[] = [
  row('absolute form', 'the absolute form', [
    target('http://evil.test/admin', missing),
    known('http://evil.test/admin', allowed()),
    target('http://evil.test/public/x', isPublic),
    target('https://h.test/admin', missing),
    target('http://x@h.test/healthz', isPublic),
    target('http://h.test', isPublic),
    target('http://h.test?/healthz', isPublic),
    target('http://h.test\\public/admin', byServer),
    known('http://h.test\\public/admin', byServer),
    target('http://h.test#/healthz', byServer),
    target('ftp://h.test/healthz', byServer),
    target('javascript:/healthz', byServer),
  ]),
  row('no path', 'a target that is not a path', [
    by('OPTIONS', '*', byServer),
    by('GET', '*', byServer),
    by('GET', 'admin', byServer),
    by('GET', 'healthz', byServer),
    by('GET', '?x', byServer),
    by('GET', '?/healthz', byServer),
    by('GET', '#/healthz', byServer),
    by('CONNECT', 'h.test:80', byServer),
    by('CONNECT', '/healthz', byServer),
    by('CONNECT', 'h.test:80', byServer, TOKEN),
  ]),
  row('method', 'methods', [
    by('GET', '/public/x', isPublic),
    by('HEAD', '/public/x', isPublic),
    by('POST', '/public/x', missing, 'Content-Length: 0'),
    by('PUT', '/healthz', missing, 'Content-Length: 0'),
    by('DELETE', '/healthz', missing),
    by('OPTIONS', '/healthz', missing),
    by('PATCH', '/public/x', missing, 'Content-Length: 0'),
    by('TRACE', '/healthz', missing),
    by('TRACE', '/admin', allowed(), TOKEN),
    by('POST', '/admin', allowed(), 'Content-Length: 0', TOKEN),
    by('PROPFIND', '/healthz', missing),
    by('POST', '/healthz', missing, 'Content-Length: 0', 'X-HTTP-Method-Override: GET'),
    by('POST', '/healthz', allowed({ path: '/healthz' }), 'Content-Length: 0', TOKEN),
    by('get', '/healthz', byServer),
    by('get', '/admin', byServer, TOKEN),
    by('FOO', '/healthz', byServer),
    by('FOO', '/admin', byServer, TOKEN),
    by('GET', '/healthz', byServer, 'Content-Length: 0', 'Transfer-Encoding: chunked'),
  ]),
  row(
    'told and run',
    'what the endpoint is told is what the handler runs (Traefik CVE-2026-40912, CVE-2026-48020, CVE-2026-67309, CVE-2026-65600, Ory CVE-2026-33494, Heimdall CVE-2026-32811)',
    [
      known('/%61dmin?x=%61', allowed({ params: { x: 'a' } })),
      known('/a%2fdmin', allowed({ path: '/a%2fdmin' })),
      known('/a%2Fdmin', allowed({ path: '/a%2Fdmin' })),
      known('/admin%3fx=1', allowed({ path: '/admin%3fx=1' })),
      known('/admin%23x', allowed({ path: '/admin%23x' })),
      known('/%25%36%31dmin', allowed({ path: '/%2561dmin' })),
      known('/admin%253f', allowed({ path: '/admin%253f' })),
      known('/"<>^`{|}', allowed({ path: '/%22%3C%3E%5E%60%7B|%7D' })),
      known('/admin/%2561', allowed({ path: '/admin/%2561' })),
    ],
  ),
]

/** Apps below a path. `based`, `routed` and `mounted` are the ways to put one there. */
export const MOUNT_ROW: Row = row(
  'below a path',
  'an app below a path (Hono CVE-2026-47676)',
  [
    target('/based/admin', missing),
    known('/based/admin', allowed({ path: '/based/admin' })),
    target('/based/public/x', isPublic),
    target('/based/other/public/x', missing),
    target('/b%61sed/admin', missing),
    known('/b%61sed/%61dmin', allowed({ path: '/based/admin' })),
    target('/routed/admin', missing),
    known('/routed/admin', allowed({ path: '/routed/admin' })),
    target('/routed/public/x', isPublic),
    target('/routed//admin', missing),
    target('/r%6futed/public/..%2fadmin', malformedTarget),
    target('/r%6futed/public/x%2fadmin', missing),
    target('/mounted/admin', missing),
    known('/mounted/admin', allowed()),
    target('/mounted/public/x', isPublic),
    target('/m%6funted/admin', missing),
    known('/m%6funted/admin', allowed()),
    target('/m%6funted/public/x', isPublic),
    target('/%6d%6f%75%6e%74%65%64/admin', missing),
    target('/mounted/mounted/public/x', isPublic),
    target('/mounted//public/x', missing),
  ],
  ['hono-mounted'],
)

function target(path: string, expected: Expected): Variant {
  return variant(path, get(path), expected)
}

function known(path: string, expected: Expected): Variant {
  return variant(`${path} with a token`, get(path, TOKEN), expected)
}

function by(
  method: string,
  path: string,
  expected: Expected,
  ...lines: readonly string[]
): Variant {
  const name = [`${method} ${path}`, ...lines].join(', ')
  return variant(name, send(method, path, ...lines), expected)
}
