import { bearer, handled, malformedTarget, missing, withoutBody } from './expectations.ts'
import type { Deviation, Expected, Scenario } from '../scenario.ts'
import type { HttpRequest } from '../support/http.ts'

const PUBLIC: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['needs no key for a path that is public', { target: '/healthz' }],
  ['needs no key for a path that is public, whatever the query', { target: '/healthz?deep=1' }],
  ['needs no key for what is below a public prefix', { target: '/public/css/site.css' }],
  ['A-P6 needs no key for a public path that is percent-encoded', { target: '/%70ublic/%6Cogo' }],
  [
    'A-I7 needs no key for a public path with a wrong token, and asks nobody',
    { target: '/public/logo', headers: bearer('wrong') },
  ],
  [
    'needs no key for a method that is public',
    { method: 'POST', target: '/hooks/push', body: '{}' },
  ],
]

const GUARDED: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['A-P7 needs a key for a public path with a slash behind it', { target: '/healthz/' }],
  [
    'A-P7 needs a key for a public path in another case (Caddy CVE-2026-27587)',
    { target: '/Healthz' },
  ],
  ['A-P7 needs a key for what begins like a public path', { target: '/healthzz' }],
  ['A-P7 needs a key for what begins like a public prefix', { target: '/publicx' }],
  ['needs a key for the public prefix itself', { target: '/public/' }],
  [
    'A-P5 needs a key for an empty segment (Fastify middie CVE-2026-2880)',
    { target: '/public//logo' },
  ],
  ['A-P5 needs a key for an empty segment at the start', { target: '//public/logo' }],
  ['A-P8 needs a key for a parameter of the path', { target: '/healthz;a=1' }],
  ['A-P9 needs a key for an encoded NUL', { target: '/public/logo%00' }],
  ['A-P9 needs a key for an encoded blank', { target: '/healthz%20' }],
  [
    'A-P11 needs a key for a public path in the query (oauth2-proxy CVE-2025-54576)',
    { target: '/admin?/healthz' },
  ],
  ['A-P19 needs a key for another method', { method: 'POST', target: '/healthz', body: '{}' }],
  ['A-P19 needs a key for a method that is not listed', { target: '/hooks/push' }],
  [
    'A-P19 needs a key for a method that only a header names',
    { method: 'POST', target: '/healthz', headers: { 'X-HTTP-Method-Override': 'GET' }, body: '' },
  ],
]

const AMBIGUOUS: readonly (readonly [name: string, request: HttpRequest])[] = [
  [
    'A-P3 rejects dots beside an encoded slash (fast-uri CVE-2026-6321)',
    { target: '/public/..%2fadmin' },
  ],
  [
    'A-P4 rejects dots beside an encoded backslash (Caddy CVE-2026-52844)',
    { target: '/public/..%5cadmin' },
  ],
  ['A-P8 rejects dots before a parameter', { target: '/public/..;/admin' }],
]

const CLIMBING: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['A-P1 needs a key for what climbs out of a public path', { target: '/public/../admin' }],
  ['A-P2 needs a key for what climbs out by encoded dots', { target: '/public/%2e%2e/admin' }],
]

const keepsDots: Deviation = {
  servers: ['deno', 'workerd'],
  cause: 'The others resolve the path before anybody sees it: it is that of `/admin`.',
  expected: malformedTarget,
}

/** Which requests need no key, and which only look as if. */
export const PUBLIC_PATHS: readonly Scenario[] = [
  ...PUBLIC.map(([name, request]) => create(name, request, handled({}))),
  create(
    'answers HEAD for a public path',
    { method: 'HEAD', target: '/healthz' },
    withoutBody(handled({})),
  ),
  ...GUARDED.map(([name, request]) => create(name, request, missing)),
  ...AMBIGUOUS.map(([name, request]) => create(name, request, malformedTarget)),
  ...CLIMBING.map(([name, request]) => ({
    ...create(name, request, missing),
    deviations: [keepsDots],
  })),
  {
    ...create(
      'A-P5 needs a key for what begins with two slashes',
      { target: '//x/public/logo' },
      missing,
    ),
    deviations: [
      {
        servers: ['edge-runtime'],
        cause:
          'It takes what follows two slashes for the host, so that the path is `/public/logo`.',
        expected: handled({}),
      },
    ],
  },
]

function create(name: string, request: HttpRequest, expected: Expected): Scenario {
  return { name, profile: 'strict', request, expected }
}
