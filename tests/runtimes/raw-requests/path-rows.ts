import { shortHeaders } from '../../support/gateway-rows.ts'
import { words } from '../../support/words.ts'
import {
  allowed,
  byServer,
  get,
  isPublic,
  malformedTarget,
  missing,
  nameOf,
  on,
  row,
  TOKEN,
  variantsOf,
} from './row.ts'
import type { Asked, Expected, Others, Row, Variant } from './row.ts'

/** They keep dot segments and backslashes in the URL, where the guard rejects them. The others resolve them first. */
const KEEPING = on(['deno', 'workerd'], malformedTarget)
const WITHOUT_BACKSLASH = on('node-server', byServer)
/** It refuses bytes that are not ASCII in a target. */
const STRICT_NODE = on('strict-node', byServer)

/** Paths. Each is sent without a token, and again with a good one. */
export const PATH_ROWS: readonly Row[] = [
  row('a dot segment (Heimdall GHSA-3q34-rx83-r6mq)', [
    ...resolved('/admin', '/public/../admin /public/./../admin /public/x/../../admin /../admin'),
    ...resolved('/admin', '/public;/../admin'),
    ...resolvedOpen('/admin/.. /admin/../public/x /admin/x/../../public/x /public//../admin'),
  ]),
  row('an encoded dot segment', [
    ...resolved('/admin', '/public/%2e%2e/admin /public/.%2E/admin /%2e/admin'),
    ...resolvedOpen('/admin/%2e%2e/public/x'),
    ...refused('/public/%2%65%2e/admin'),
    ...asked('/public/%252e%252e/admin /public/%25252e%25252e/admin /admin/%252e%252e/public/x'),
    ...asked('/public/%252561'),
    ...open('/public/100%25'),
  ]),
  row('an encoded slash (fast-uri CVE-2026-6321, Ory CVE-2026-33494)', [
    ...refused('/public/..%2fadmin /public/..%2Fadmin /public%2f..%2fadmin /..%2fadmin'),
    ...refused('/public/%2e%2e%2fadmin /x/..%2f..%2fadmin /admin%2f.'),
    ...asked('/public%2fx /v1/models/meta%2Fllama /public/..a%2fb'),
  ]),
  row('a backslash (Caddy CVE-2026-52844)', [
    ...resolved('/admin', '/public/..\\admin /public\\..\\admin', WITHOUT_BACKSLASH),
    ...resolvedOpen('/admin/..\\public/x', WITHOUT_BACKSLASH),
    ...refused('/public/..%5cadmin /..%5cadmin /public%5C%2e%2E%5Cadmin'),
    ...asked('/public%5cx /public/..%255cadmin /admin/..%255cpublic/x'),
  ]),
  row('an empty segment (rou3 CVE-2025-71399, middie CVE-2026-2880)', [
    ...asked('//admin //public/x /public//x //'),
  ]),
  row('an encoded letter (middie CVE-2026-22031)', [
    ...askedAs('/admin', '/%61dmin /%61%64%6d%69%6e'),
    ...askedAs('/ADMIN', '/%41DMIN'),
    ...asked('/%2561dmin'),
    ...open('/%70ublic/x'),
  ]),
  row('what only resembles a public path (Caddy CVE-2026-27587, Authelia CVE-2026-48794)', [
    ...asked('/PUBLIC/x /Healthz /healthz/ /healthz/x /healthzz /publicx /public /public/'),
  ]),
  row('a path parameter', [
    ...asked('/admin;x=/public/ /healthz;a=1 /public/; /public/;x'),
    ...refused('/..;/admin /public/..;/admin /public/..%3b/admin /public/.;x'),
  ]),
  row('a control character or a blank at the end', [
    ...asked('/healthz%00 /healthz%0a /healthz%20 /healthz%09 /public/%00'),
    // Node 20.19 accepts a tab, and a URL parser removes it before the decision.
    ...byServers('/healthz\t', on('node-20.19', isPublic)),
    ...byServers('/admin\t/../healthz', on('node-20.19', isPublic)),
    ...byServers(
      '/healthz\t/admin',
      on('node-20.19', missing, allowed({ path: '/healthz/admin' })),
    ),
    ...byServers('/healthz\0'),
    ...byServers('/healthz\x0b/admin'),
  ]),
  // workerd cuts it off before there is a URL: guard and handler see what is before it.
  row('a fragment (Traefik CVE-2023-47106, oauth2-proxy CVE-2026-41059)', [
    ...refused('/public#/../admin', on('workerd', missing, allowed({ path: '/public' }))),
    ...refused('/admin#/public/', on('workerd', missing, allowed())),
    ...refused('/healthz?a#/admin /public/x#/admin', on('workerd', isPublic)),
  ]),
  // A target is Latin-1 for Node 20.19. On Bun bytes that are not UTF-8 become U+FFFD.
  row('bytes and encodings that are not ASCII', [
    ...askedAs(
      '/%C3%A9',
      '/\xc3\xa9',
      STRICT_NODE,
      on('node-20.19', missing, allowed({ path: '/%C3%83%C2%A9' })),
    ),
    ...byServers(
      '/\xe9',
      on('bun', missing, allowed({ path: '/%EF%BF%BD' })),
      on('node-20.19', missing, allowed({ path: '/%C3%A9' })),
    ),
    ...asked('/%C3%A9 /%E9 /%C0%AE%C0%AE/ /public/%C0%AE%C0%AE%2fadmin'),
    ...open('/public/%C0%AE%C0%AE/admin /public/%E0%80%AE%E0%80%AE/admin'),
  ]),
  row('broken percent-encoding', asked('/a%zz% /healthz% /%u002e%u002e/healthz')),
  row('a long path', [
    ...asked(`/${'a'.repeat(4000)}`),
    ...tooLong(`/${'a'.repeat(20_000)}`),
    ...tooLong('/a'.repeat(10_000)),
    ...byServers(`/${'a'.repeat(100_000)}`),
  ]),
  row('what a framework strips (Next.js CVE-2026-44575, CVE-2026-44573, CVE-2026-44574)', [
    ...asked('/admin.rsc /admin.json /_next/data/build/admin.json /healthz.rsc'),
    ...queried('_rsc=1', { _rsc: '1' }),
  ]),
]

const NAMES = Array.from({ length: 1000 }, (_, index) => `n${index}`)

/** Queries, which the URL parser of each runtime reads for the guard and for the handler. */
export const QUERY_ROWS: readonly Row[] = [
  row('a public path in the query (oauth2-proxy CVE-2025-54576)', [
    ...queried('x=/public/', { x: '/public/' }),
    ...queried('/../healthz', { '/../healthz': '' }),
    ...queried('?/healthz', { '?/healthz': '' }),
  ]),
  row('a repeated or an odd parameter', [
    ...told('t=mine&x=1&%74=victim', { t: ['mine', 'victim'], x: '1' }),
    ...told('__proto__=x&constructor=y&__proto__=z', {
      ['__proto__']: ['x', 'z'],
      constructor: 'y',
    }),
    ...told('a[]=1&a%5B0%5D=2&a.b=3', { 'a[]': '1', 'a[0]': '2', 'a.b': '3' }),
    ...told('a=%zz&b=%&c=%E0%A4', { a: '%zz', b: '%', c: '\ufffd' }),
    ...told('a+b=b+c;d=e&%2b=%2b', { 'a b': 'b c;d=e', '+': '+' }),
    ...told('a=&b&=c&&', { a: '', b: '', '': 'c' }),
  ]),
  row('characters that JSON and scripts trip over', [
    ...told('a=%ED%A0%80', { a: '\ufffd\ufffd\ufffd' }),
    ...told('a=%E2%80%A8', { a: '\u2028' }),
    ...told('a=%00%0a%22%5c', { a: '\0\n"\\' }),
    ...told('a=\\', { a: '\\' }),
    // workerd refuses quotes and angle brackets.
    ...told('a=</script>', { a: '</script>' }, on('workerd', byServer)),
    ...told('a="b"', { a: '"b"' }, on('workerd', byServer)),
    ...told('a=\xc3\xa9', { a: '\u00e9' }, STRICT_NODE, on('node-20.19', of('\u00c3\u00a9'))),
    ...sent('a=\xe9', byServer, on('bun', of('\ufffd')), on('node-20.19', of('\u00e9'))),
  ]),
  row('a large query', [
    ...told('a=1&'.repeat(1000), { a: Array<string>(1000).fill('1') }),
    ...told(NAMES.join('&'), Object.fromEntries(NAMES.map((name) => [name, '']))),
    ...sent('a=1&'.repeat(1001), malformedTarget),
    ...sent('a=1&'.repeat(10_000), byServer, on(['deno', 'workerd'], malformedTarget)),
    ...sent(`a=${'b'.repeat(60_000)}`, byServer, on(['deno', 'workerd'], of('b'.repeat(60_000)))),
  ]),
]

/** Targets that run a forbidden handler of Express if they are sent to it directly. */
export const FORBIDDEN_ROWS: readonly (readonly [title: string, targets: readonly string[]])[] = [
  ['the path as it is written', ['/admin', '/admin/', '/admin/secret', '/admin/secret?x=1']],
  [
    'the path in another case (Authelia CVE-2026-48794)',
    ['/ADMIN', '/Admin/secret', '/aDMIN/secret', '/ADMIN/', '/ADMIN//secret', '/Admin/a%2fb'],
  ],
  [
    'the path behind a host, as `new URL(request.url, base)` reads it',
    [
      '//x/admin/secret',
      '//x/ADMIN/secret',
      '//x:80/admin',
      '//u@x/admin',
      '//x/y/../admin',
      '//x/%2e/admin',
      '///x/admin',
    ],
  ],
]

/** More header fields than a server on Node keeps. Those of the gateway must not be among the rest. */
export const MANY_HEADERS: readonly string[] = shortHeaders(990)

/** Each of the targets needs a token, and is asked about as it is. */
function asked(targets: string): Variant[] {
  return words(targets).flatMap((target) => askedAs(target, target))
}

function askedAs(path: string, targets: string, ...others: Others[]): Variant[] {
  return each(targets, missing, allowed({ path }), others)
}

/** Resolved by the server, or else refused. */
function resolved(path: string, targets: string, ...others: Others[]): Variant[] {
  return each(targets, missing, allowed({ path }), [KEEPING, ...others])
}

/** Resolved to a public path. */
function resolvedOpen(targets: string, ...others: Others[]): Variant[] {
  return each(targets, isPublic, isPublic, [KEEPING, ...others])
}

function open(targets: string): Variant[] {
  return each(targets, isPublic, isPublic)
}

function refused(targets: string, ...others: Others[]): Variant[] {
  return each(targets, malformedTarget, malformedTarget, others)
}

/** One target, which may have a blank. */
function byServers(target: string, ...others: Others[]): Variant[] {
  return both(target, byServer, byServer, others)
}

/** Longer than a head on most of them, which is 16 KB. */
function tooLong(target: string): Variant[] {
  return byServers(target, on(['deno', 'workerd'], missing, allowed({ path: target })))
}

function queried(query: string, params: Asked['params']): Variant[] {
  return both(`/admin?${query}`, missing, allowed({ params }), [])
}

function each(
  targets: string,
  anonymous: Expected,
  known: Expected,
  others: readonly Others[] = [],
): Variant[] {
  return words(targets).flatMap((target) => both(target, anonymous, known, others))
}

function both(
  target: string,
  anonymous: Expected,
  known: Expected,
  others: readonly Others[],
): Variant[] {
  const name = nameOf(target)
  return variantsOf(
    [
      [name, get(target), anonymous],
      [`${name} with a token`, get(target, TOKEN), known],
    ],
    others,
  )
}

function told(query: string, params: Asked['params'], ...others: Others[]): Variant[] {
  return sent(query, allowed({ params }), ...others)
}

/** Sent with a token alone. */
function sent(query: string, expected: Expected, ...others: Others[]): Variant[] {
  return variantsOf([[nameOf(query), get(`/admin?${query}`, TOKEN), expected]], others)
}

function of(a: string): Expected {
  return allowed({ params: { a } })
}
