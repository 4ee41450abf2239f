import { words } from '../../support/words.ts'
import {
  allowed,
  byServer,
  head,
  isPublic,
  malformedTarget,
  missing,
  on,
  row,
  send,
  sendTo,
  TOKEN,
  variantsOf,
} from './row.ts'
import type { Expected, Others, Row, Variant } from './row.ts'

/** The outcomes of a request for `/admin` without and with a token, and of one for `/public/x`. */
type Outcomes = readonly [admin: Expected, adminWithToken: Expected, publicPath: Expected]

const REJECTED: Outcomes = [malformedTarget, malformedTarget, malformedTarget]
const OPEN: Outcomes = [missing, allowed(), isPublic]

/** It refuses a Host that does not come out of a URL parser as it went in. */
const NODE_SERVER = on('node-server', byServer)
/** It puts "_invalid_" into the URL, so that the path counts. The guard sees the Host, so nothing is public. */
const SRVX = on('srvx', missing, allowed(), missing)
/** Without a Host that is one, the URL is a path alone. */
const BUN = on('bun', malformedTarget)
/** It refuses a request without a Host. */
const WORKERD = on('workerd', byServer)

/** The Host header, from which servers build the URL. */
const HOST_ROWS: readonly Row[] = [
  row(
    'a Host with a path that the URL has and a router has not (a bypass of Hono on Deno)',
    [
      'h.test\\public',
      'h.test\\public\\x?',
      'h#x',
      'h?',
      'u:p@h',
      'h test',
      'h.test/public/..',
      // It could also split the challenge.
      'h", error="x',
    ].flatMap((name) => host(name, REJECTED, NODE_SERVER, SRVX)),
  ),
  row('a Host with a path, which becomes part of the URL and makes nothing public', [
    ...hostWithPath('h/healthz?x=', '/healthz', { x: '/admin' }),
    ...hostWithPath('h/public/x?', '/public/x', { '/admin': '' }),
    ...hostWithPath('h/public/', '/public//admin', {}),
  ]),
  row('a Host that is none, or shorter than some routers take for granted (Elysia)', [
    ...['h%2fpublic', 'h.test:80x', '[::1'].flatMap((name) => host(name, OPEN, NODE_SERVER)),
    ...host('', OPEN, BUN, WORKERD),
    ...variantsOf([['a quote', sendTo('h"realm="x"', 'GET', '/admin'), missing]], [BUN]),
    ...['h', 'ab', 'a.b', 'a.bc'].flatMap((name) =>
      variantsOf(
        [[`${name} for /public/admin`, sendTo(name, 'GET', '/public/admin'), isPublic]],
        [],
      ),
    ),
  ]),
  // Deno refuses a second Host. workerd joins the two, and the guard rejects the blank between them.
  row('no Host, or more than one', [
    ...variantsOf(
      [['none', head('GET /admin HTTP/1.1'), byServer]],
      // As in HTTP/1.0.
      [on('deno', missing)],
    ),
    ...variantsOf([['none in HTTP/1.0', head('GET /admin HTTP/1.0'), missing]], [BUN, WORKERD]),
    ...variantsOf(
      [
        ['two', sendTo('h.test', 'GET', '/admin', 'Host: h\\public'), missing],
        ['two for /public/x', sendTo('h.test', 'GET', '/public/x', 'Host: h2.test'), missing],
        ['the same twice', sendTo('h.test', 'GET', '/admin', 'Host: h.test'), missing],
      ],
      [on('deno', byServer), on('workerd', malformedTarget)],
    ),
    ...variantsOf(
      [['the bad one first', sendTo('h\\public', 'GET', '/admin', 'Host: h'), malformedTarget]],
      [NODE_SERVER, SRVX, on('deno', byServer)],
    ),
  ]),
]

/** The request line, apart from the path of the origin form. */
export const TARGET_ROWS: readonly Row[] = [
  row('the absolute form', [
    ...sent('GET http://evil.test/admin', missing),
    ...known('GET http://evil.test/admin', allowed()),
    ...sent('GET http://evil.test/public/x', isPublic),
    ...sent('GET https://h.test/admin', missing),
    ...sent('GET http://h.test', isPublic),
    // Node's server and Deno leave the userinfo in the URL.
    ...sent('GET http://x@h.test/healthz', isPublic, on(['node-server', 'deno'], malformedTarget)),
    ...sent('GET http://h.test?/healthz', isPublic, on('deno', malformedTarget)),
    // Bun cuts at the first slash. Guard and handler see what is after it.
    ...sent(
      'GET http://h.test\\public/admin',
      byServer,
      on('deno', malformedTarget),
      on('bun', missing),
    ),
    ...known(
      'GET http://h.test\\public/admin',
      byServer,
      on('deno', malformedTarget),
      on('bun', allowed()),
    ),
    ...sent(
      'GET http://h.test#/healthz',
      byServer,
      on('deno', malformedTarget),
      on(['bun', 'workerd'], isPublic),
    ),
    ...sent(
      'GET ftp://h.test/healthz',
      byServer,
      on('deno', malformedTarget),
      on('workerd', isPublic),
    ),
    ...sent('GET javascript:/healthz', byServer),
  ]),
  // workerd puts an asterisk after the host, and a target without a slash becomes `/`, which is public here.
  row('a target that is not a path', [
    ...sent('OPTIONS *', byServer, on('workerd', malformedTarget), on(['srvx', 'deno'], missing)),
    ...sent('GET *', byServer, on('workerd', malformedTarget), on('srvx', missing)),
    ...sent('GET admin', byServer, on('workerd', isPublic)),
    ...sent('GET healthz', byServer, on('workerd', isPublic)),
    ...sent('GET ?/healthz', byServer),
    ...sent('GET #/healthz', byServer),
    ...sent('CONNECT h.test:80', byServer, on(['bun', 'deno'], malformedTarget)),
    ...known('CONNECT h.test:80', byServer, on(['bun', 'deno'], malformedTarget)),
    ...sent('CONNECT /healthz', byServer, on('bun', missing)),
  ]),
  row('methods: only GET and HEAD are public', [
    ...sent('HEAD /public/x', isPublic),
    ...['DELETE', 'TRACE', 'PROPFIND'].flatMap((method) => sent(`${method} /healthz`, missing)),
    ...known('TRACE /admin', allowed()),
    // Deno accepts every method as it is spelt.
    ...['get', 'FOO'].flatMap((method) => [
      ...sent(`${method} /healthz`, byServer, on('deno', missing)),
      ...known(`${method} /admin`, byServer, on('deno', allowed())),
    ]),
    ...withHeaders('POST /public/x', ['Content-Length: 0'], missing),
    ...withHeaders('POST /healthz', ['Content-Length: 0', 'X-HTTP-Method-Override: GET'], missing),
    ...withHeaders('POST /admin', ['Content-Length: 0', TOKEN], allowed()),
    ...withHeaders(
      'GET /healthz',
      ['Content-Length: 0', 'Transfer-Encoding: chunked'],
      byServer,
      on('workerd', isPublic),
    ),
  ]),
  row(
    'what the endpoint is told is what the handler runs (Traefik CVE-2026-40912, CVE-2026-48020, CVE-2026-67309, CVE-2026-65600, Ory CVE-2026-33494, Heimdall CVE-2026-32811)',
    [
      ...known('GET /%61dmin?x=%61', allowed({ params: { x: 'a' } })),
      ...[
        '/a%2fdmin',
        '/a%2Fdmin',
        '/admin%3fx=1',
        '/admin%23x',
        '/admin%253f',
        '/admin/%2561',
      ].flatMap((path) => known(`GET ${path}`, allowed({ path }))),
      ...known('GET /%25%36%31dmin', allowed({ path: '/%2561dmin' })),
      // workerd refuses quotes and angle brackets.
      ...known(
        'GET /"<>^`{|}',
        allowed({ path: '/%22%3C%3E%5E%60%7B|%7D' }),
        on('workerd', byServer),
      ),
    ],
  ),
]

/** Apps below a path. `based`, `routed` and `mounted` are the ways to put one there. */
const MOUNT_ROW = row(
  'an app below a path (Hono CVE-2026-47676)',
  [
    ...all(missing, '/based/admin /b%61sed/admin /based/other/public/x'),
    ...all(missing, '/routed/admin /routed//admin /r%6futed/public/x%2fadmin'),
    ...all(missing, '/mounted/admin /m%6funted/admin /%6d%6f%75%6e%74%65%64/admin'),
    ...all(missing, '/mounted//public/x'),
    ...all(isPublic, '/based/public/x /routed/public/x /mounted/public/x'),
    ...all(isPublic, '/m%6funted/public/x /mounted/mounted/public/x'),
    ...all(malformedTarget, '/r%6futed/public/..%2fadmin'),
    ...known('GET /based/admin', allowed({ path: '/based/admin' })),
    ...known('GET /b%61sed/%61dmin', allowed({ path: '/based/admin' })),
    ...known('GET /routed/admin', allowed({ path: '/routed/admin' })),
    ...known('GET /mounted/admin', allowed()),
    ...known('GET /m%6funted/admin', allowed()),
  ],
  ['hono-mounted'],
)

export const REQUEST_LINE_ROWS: readonly Row[] = [...HOST_ROWS, ...TARGET_ROWS, MOUNT_ROW]

function host(value: string, outcomes: Outcomes, ...others: Others[]): Variant[] {
  const name = value === '' ? 'nothing' : value
  const [admin, adminWithToken, publicPath] = outcomes
  return variantsOf(
    [
      [name, sendTo(value, 'GET', '/admin'), admin],
      [`${name} with a token`, sendTo(value, 'GET', '/admin', TOKEN), adminWithToken],
      [`${name} for /public/x`, sendTo(value, 'GET', '/public/x'), publicPath],
    ],
    others,
  )
}

function hostWithPath(value: string, path: string, params: Record<string, string>): Variant[] {
  const outcomes = [missing, allowed({ path, params }), missing] as const
  return host(value, outcomes, NODE_SERVER, SRVX, BUN)
}

/** A request line, without its version and without a token. */
function sent(line: string, expected: Expected, ...others: Others[]): Variant[] {
  return withHeaders(line, [], expected, ...others)
}

function known(line: string, expected: Expected, ...others: Others[]): Variant[] {
  return withHeaders(line, [TOKEN], expected, ...others)
}

function withHeaders(
  line: string,
  headers: readonly string[],
  expected: Expected,
  ...others: Others[]
): Variant[] {
  const [method = '', target = ''] = line.split(' ')
  const bytes = send(method, target, ...headers)
  return variantsOf([[[line, ...headers].join(', '), bytes, expected]], others)
}

/** The outcome of each target. */
function all(expected: Expected, targets: string): Variant[] {
  return words(targets).flatMap((target) => sent(`GET ${target}`, expected))
}
