import { get, TOKEN } from './bytes.ts'
import {
  allowed,
  byServer,
  isPublic,
  malformedTarget,
  missing,
  nameOf,
  row,
  variant,
} from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** Paths. Each is sent without a token, and again with a good one. */
export const PATH_ROWS: readonly Row[] = [
  row('dot segment', 'a dot segment (Heimdall GHSA-3q34-rx83-r6mq)', [
    ...resolved('/public/../admin', '/admin'),
    ...resolved('/public/./../admin', '/admin'),
    ...resolved('/public/x/../../admin', '/admin'),
    ...resolved('/../admin', '/admin'),
    ...resolved('/admin/..', '/', isPublic),
    ...resolved('/admin/../public/x', '/public/x', isPublic),
    ...resolved('/admin/x/../../public/x', '/public/x', isPublic),
  ]),
  row('encoded dots', 'an encoded dot segment', [
    ...resolved('/public/%2e%2e/admin', '/admin'),
    ...resolved('/public/.%2E/admin', '/admin'),
    ...resolved('/%2e/admin', '/admin'),
    ...resolved('/admin/%2e%2e/public/x', '/public/x', isPublic),
    ...refused('/public/%2%65%2e/admin'),
    ...asked('/public/%252e%252e/admin'),
    ...asked('/public/%25252e%25252e/admin'),
    ...asked('/admin/%252e%252e/public/x'),
    ...asked('/public/%252561'),
    ...open('/public/100%25'),
  ]),
  row('encoded slash', 'an encoded slash (fast-uri CVE-2026-6321, Ory CVE-2026-33494)', [
    ...refused('/public/..%2fadmin'),
    ...refused('/public/..%2Fadmin'),
    ...refused('/public%2f..%2fadmin'),
    ...refused('/public/%2e%2e%2fadmin'),
    ...refused('/..%2fadmin'),
    ...refused('/x/..%2f..%2fadmin'),
    ...refused('/..%2f..%2fadmin'),
    ...refused('/admin%2f.'),
    ...asked('/public%2fx'),
    ...asked('/v1/models/meta%2Fllama'),
    ...asked('/public/..a%2fb'),
  ]),
  row('backslash', 'a backslash (Caddy CVE-2026-52844)', [
    ...resolved('/public/..\\admin', '/admin'),
    ...refused('/public/..%5cadmin'),
    ...refused('/..%5cadmin'),
    ...refused('/public%5C%2e%2E%5Cadmin'),
    ...asked('/public%5cx'),
    ...asked('/public/..%255cadmin'),
    ...asked('/admin/..%255cpublic/x'),
    ...resolved('/public\\..\\admin', '/admin'),
    ...resolved('/admin/..\\public/x', '/public/x', isPublic),
  ]),
  row('empty segment', 'an empty segment (rou3 CVE-2025-71399, middie CVE-2026-2880)', [
    ...asked('//admin'),
    ...asked('//public/x'),
    ...asked('/public//x'),
    ...asked('//'),
    ...resolved('/public//../admin', '/public/admin', isPublic),
  ]),
  row('encoded letter', 'an encoded letter (middie CVE-2026-22031)', [
    ...asked('/%61dmin', '/admin'),
    ...asked('/%61%64%6d%69%6e', '/admin'),
    ...asked('/%2561dmin'),
    ...open('/%70ublic/x'),
    ...asked('/%41DMIN', '/ADMIN'),
  ]),
  row(
    'resembles public',
    'what only resembles a public path (Caddy CVE-2026-27587, Authelia CVE-2026-48794)',
    [
      ...asked('/PUBLIC/x'),
      ...asked('/Healthz'),
      ...asked('/healthz/'),
      ...asked('/healthz/x'),
      ...asked('/healthzz'),
      ...asked('/publicx'),
      ...asked('/public'),
      ...asked('/public/'),
    ],
  ),
  row('path parameter', 'a path parameter', [
    ...asked('/admin;x=/public/'),
    ...resolved('/public;/../admin', '/admin'),
    ...asked('/healthz;a=1'),
    ...refused('/..;/admin'),
    ...refused('/public/..;/admin'),
    ...refused('/public/..%3b/admin'),
    ...refused('/public/.;x'),
    ...asked('/public/;'),
    ...asked('/public/;x'),
  ]),
  row('control in path', 'a control character or a blank at the end', [
    ...asked('/healthz%00'),
    ...asked('/healthz%0a'),
    ...asked('/healthz%20'),
    ...asked('/healthz%09'),
    ...asked('/public/%00'),
    ...byServers('/healthz\t'),
    ...byServers('/healthz\t/admin'),
    ...byServers('/admin\t/../healthz'),
    ...byServers('/healthz\0'),
    ...byServers('/healthz\x0b/admin'),
  ]),
  row('fragment', 'a fragment (Traefik CVE-2023-47106, oauth2-proxy CVE-2026-41059)', [
    ...refused('/public#/../admin'),
    ...refused('/admin#/public/'),
    ...refused('/healthz?a#/admin'),
    ...refused('/public/x#/admin'),
  ]),
  row('public in query', 'a public path in the query (oauth2-proxy CVE-2025-54576)', [
    ...queried('x=/public/', { x: '/public/' }),
    ...queried('/healthz', { '/healthz': '' }),
    ...queried('/../healthz', { '/../healthz': '' }),
    ...queried('?/healthz', { '?/healthz': '' }),
  ]),
  row('path not ASCII', 'bytes and encodings that are not ASCII', [
    ...asked('/\xc3\xa9', '/%C3%A9'),
    ...asked('/%C3%A9'),
    ...asked('/%E9'),
    ...byServers('/\xe9'),
    ...asked('/%C0%AE%C0%AE/'),
    ...open('/public/%C0%AE%C0%AE/admin'),
    ...asked('/public/%C0%AE%C0%AE%2fadmin'),
    ...open('/public/%E0%80%AE%E0%80%AE/admin'),
  ]),
  row('broken percent', 'broken percent-encoding', [
    ...asked('/a%zz%'),
    ...asked('/%'),
    ...asked('/healthz%'),
    ...asked('/%u002e'),
    ...asked('/%u002e%u002e/healthz'),
  ]),
  row('long path', 'a long path', [
    ...asked(`/${'a'.repeat(4000)}`),
    ...byServers(`/${'a'.repeat(20_000)}`),
    ...byServers(`/${'a'.repeat(100_000)}`),
    ...byServers('/a'.repeat(10_000)),
  ]),
  row(
    'slow matcher',
    'what makes a matcher slow: literals and prefixes only (tests/core/config/public-paths.test.ts)',
    [
      ...asked(`/public/${'/'.repeat(4000)}x`),
      ...asked(`/healthz${'%'.repeat(4000)}`),
      ...open(`/${'public/'.repeat(500)}`),
    ],
  ),
  row(
    'stripped',
    'what a framework strips (Next.js CVE-2026-44575, CVE-2026-44573, CVE-2026-44574)',
    [
      ...asked('/admin.rsc'),
      ...asked('/admin.json'),
      ...asked('/_next/data/build/admin.json'),
      ...asked('/healthz.rsc'),
      ...queried('_rsc=1', { _rsc: '1' }),
    ],
  ),
  row(
    'patterns',
    'patterns for everything: a config error (tests/core/config/public-paths.test.ts), and no path',
    [...asked('/*'), ...asked('/public*'), ...asked('/**/admin')],
  ),
]

/** Needs a token, and is asked about under one path. */
function asked(target: string, path = target): Variant[] {
  return both(target, missing, allowed({ path }))
}

/** Resolved by the server, or else refused. */
function resolved(target: string, path: string, anonymous: Expected = missing): Variant[] {
  return both(target, anonymous, anonymous === isPublic ? isPublic : allowed({ path }))
}

function open(target: string): Variant[] {
  return both(target, isPublic, isPublic)
}

function refused(target: string): Variant[] {
  return both(target, malformedTarget, malformedTarget)
}

function byServers(target: string): Variant[] {
  return both(target, byServer, byServer)
}

function queried(query: string, params: Readonly<Record<string, string>>): Variant[] {
  return both(`/admin?${query}`, missing, allowed({ params }))
}

function both(target: string, anonymous: Expected, known: Expected): Variant[] {
  const name = nameOf(target)
  return [
    variant(name, get(target), anonymous),
    variant(`${name} with a token`, get(target, TOKEN), known),
  ]
}
