import { bearer, handled, malformedTarget, missing, withoutBody } from './expectations.ts'
import type { Deviation, Expected, Scenario } from '../scenario.ts'
import type { HttpRequest } from '../support/http.ts'

const PUBLIC: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['needs no token for a public path', { target: '/healthz?deep=1' }],
  ['needs no token below a public prefix', { target: '/public/css/site.css' }],
  ['ignores a wrong token for a public path', { target: '/public/logo', headers: bearer('wrong') }],
  ['needs no token for a public method', { method: 'POST', target: '/hooks/push', body: '{}' }],
]

const GUARDED: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['needs a token for a public path plus a slash', { target: '/healthz/' }],
  ['needs a token for another method', { method: 'POST', target: '/healthz', body: '{}' }],
  ['needs a token for a method that is not listed', { target: '/hooks/push' }],
]

const CLIMBING: readonly (readonly [name: string, request: HttpRequest])[] = [
  ['needs a token for dots that leave a public path', { target: '/public/../admin' }],
  ['needs a token for encoded dots that leave a public path', { target: '/public/%2e%2e/admin' }],
]

const keepsDots: Deviation = {
  servers: ['deno', 'workerd'],
  cause: 'The others resolve the path to `/admin` before the guard sees it.',
  expected: malformedTarget,
}

/** Requests that need no token, and similar requests that do. `raw-requests` sends many more. */
export const PUBLIC_PATHS: readonly Scenario[] = [
  ...PUBLIC.map(([name, request]) => create(name, request, handled({}))),
  create(
    'answers HEAD for a public path',
    { method: 'HEAD', target: '/healthz' },
    withoutBody(handled({})),
  ),
  ...GUARDED.map(([name, request]) => create(name, request, missing)),
  create(
    'rejects dots beside an encoded slash (fast-uri CVE-2026-6321)',
    { target: '/public/..%2fadmin' },
    malformedTarget,
  ),
  ...CLIMBING.map(([name, request]) => ({
    ...create(name, request, missing),
    deviations: [keepsDots],
  })),
  {
    ...create(
      'needs a token for a path that begins with two slashes',
      { target: '//x/public/logo' },
      missing,
    ),
    deviations: [
      {
        servers: ['edge-runtime'],
        cause: 'It takes the text after two slashes for the host, so the path is `/public/logo`.',
        expected: handled({}),
      },
    ],
  },
]

function create(name: string, request: HttpRequest, expected: Expected): Scenario {
  return { name, profile: 'strict', request, expected }
}
