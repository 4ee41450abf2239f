import { head, sendTo, TOKEN } from './bytes.ts'
import { allowed, isPublic, malformedTarget, missing, row, variant, byServer } from './row.ts'
import type { Expected, Row, Variant } from './row.ts'

/** The outcomes of a request for `/admin` without and with a token, and of one for `/public/x`. */
type Outcomes = readonly [admin: Expected, adminWithToken: Expected, publicPath: Expected]

const REFUSED: Outcomes = [malformedTarget, malformedTarget, malformedTarget]

/** The Host header, from which servers build the URL. */
export const HOST_ROWS: readonly Row[] = [
  row('Host', 'Host: a path that the URL has and a router has not (a bypass of Hono on Deno)', [
    ...host('h.test\\public', REFUSED),
    ...host('h.test\\public\\x?', REFUSED),
    ...host('h#x', REFUSED),
    ...host('h?', REFUSED),
    ...host('u:p@h', REFUSED),
    ...host('h test', REFUSED),
    ...host('h.test/public/..', REFUSED),
  ]),
  row('Host', 'Host: a path that everybody finds in the URL, and that makes nothing public', [
    ...host('h/healthz?x=', [missing, told('/healthz', { x: '/admin' }), missing]),
    ...host('h/public/x?', [missing, told('/public/x', { '/admin': '' }), missing]),
    ...host('h/public/', [missing, told('/public//admin', {}), missing]),
  ]),
  row('Host', 'Host: no host, but no path either', [
    ...host('h%2fpublic', [missing, allowed(), isPublic]),
    ...host('h.test:80x', [missing, allowed(), isPublic]),
    ...host('[::1', [missing, allowed(), isPublic]),
    ...host('', [missing, allowed(), isPublic]),
  ]),
  row('Host', 'Host: shorter than some routers take for granted (Elysia)', [
    ...['h', 'ab', 'a.b', 'a.bc'].map((name) =>
      variant(`${name} for /public/admin`, sendTo(name, 'GET', '/public/admin'), isPublic),
    ),
    ...host('h', [missing, allowed(), isPublic]),
  ]),
  row('Host', 'Host: none, or more than one', [
    variant('none', head('GET /admin HTTP/1.1'), byServer),
    variant('none in HTTP/1.0', head('GET /admin HTTP/1.0'), missing),
    variant('two', sendTo('h.test', 'GET', '/admin', 'Host: h\\public'), missing),
    variant(
      'two, the bad one first',
      sendTo('h\\public', 'GET', '/admin', 'Host: h'),
      malformedTarget,
    ),
    variant('two for /public/x', sendTo('h.test', 'GET', '/public/x', 'Host: h2.test'), missing),
    variant('two that are the same', sendTo('h.test', 'GET', '/admin', 'Host: h.test'), missing),
  ]),
]

function host(value: string, [admin, adminWithToken, publicPath]: Outcomes): Variant[] {
  const name = value === '' ? 'nothing' : value
  return [
    variant(name, sendTo(value, 'GET', '/admin'), admin),
    variant(`${name} with a token`, sendTo(value, 'GET', '/admin', TOKEN), adminWithToken),
    variant(`${name} for /public/x`, sendTo(value, 'GET', '/public/x'), publicPath),
  ]
}

function told(path: string, params: Readonly<Record<string, string>>): Expected {
  return allowed({ path, params })
}
