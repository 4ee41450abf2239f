import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { createForwardAuth } from '../../src/forward-auth.ts'
import { isRemovedFromRequest } from '../../src/gateway/field-names.ts'
import { readText } from '../support/project.ts'
import { subrequest } from '../support/subrequest.ts'
import { words } from '../support/words.ts'

/** The configurations of `examples/forward-auth`. `proxies.test.ts` runs them, but that of Traefik, which is not in Debian. */

/** Some apps believe what a client claims in these headers. The gateway removes more of them. */
const CLAIMS = words(`
  client-cert forwarded proxy remote-user x-forwarded-email x-forwarded-groups x-forwarded-method x-forwarded-port
  x-forwarded-prefix x-forwarded-server x-forwarded-uri x-forwarded-user x-http-method x-http-method-override
  x-method-override x-original-host x-original-method x-original-uri x-original-url x-real-ip x-remote-user
  x-rewrite-url`)

/** Traefik sets these itself, or removes them. */
const OF_TRAEFIK = words(`
  x-forwarded-method x-forwarded-port x-forwarded-prefix x-forwarded-server x-forwarded-uri x-real-ip`)

function found(file: string, pattern: RegExp): readonly string[] {
  const text = readText(`examples/forward-auth/${file}`)
  return [...text.matchAll(pattern)].map(([, name = '']) => name.toLowerCase())
}

const REMOVED_BY_TRAEFIK = found('traefik.yaml', /^ +(\S+): ''$/gm)

/** For each proxy: whether its example removes a header. */
const REMOVALS: Readonly<Record<string, (name: string) => boolean>> = {
  nginx: (name) => {
    const [app = ''] = readText('examples/forward-auth/nginx.conf').split('location = /_with_auth')
    const removed = [...app.matchAll(/proxy_set_header (\S+) +"";/g)]
    return removed.some(([, one = '']) => one.toLowerCase() === name)
  },
  caddy: (name) =>
    found('Caddyfile', /request_header -(\S+)$/gm).some((one) =>
      one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name,
    ),
  haproxy: (name) =>
    found('haproxy.cfg', /del-header (\S+) -m reg$/gm).some((one) => new RegExp(one).test(name)) ||
    found('haproxy.cfg', /del-header (\S+)$/gm).includes(name),
  traefik: (name) => REMOVED_BY_TRAEFIK.includes(name) || OF_TRAEFIK.includes(name),
}

it.each(Object.entries({ gateway: isRemovedFromRequest, ...REMOVALS }))(
  'with %s no header arrives by which a client claims an identity, a route or another target',
  (_proxy, isRemoved) => {
    expect(CLAIMS.filter((name) => !isRemoved(name))).toEqual([])
    expect(isRemoved('accept')).toBe(false)
  },
)

it('traefik.yaml trusts no header of a client, asks first, and passes on what forward auth answers', async () => {
  const { http, entryPoints } = parse(readText('examples/forward-auth/traefik.yaml'))
  expect(http.routers.app.middlewares).toEqual(['with-auth', 'without-claims'])
  const { authResponseHeaders, ...options } = http.middlewares['with-auth'].forwardAuth
  expect(options).toMatchObject({
    address: 'http://127.0.0.1:8323/',
    trustForwardHeader: false,
    maxResponseBodySize: 65_536,
  })
  // X.Auth.Principal too, which `underscoreHeadersStrategy` lets through.
  expect(entryPoints.web.http).toEqual({
    aliasHeadersStrategy: 'delete',
    sanitizePath: true,
    encodedCharacters: { allowEncodedSlash: false },
  })
  expect(REMOVED_BY_TRAEFIK).toEqual(expect.arrayContaining(['authorization', 'x-auth-signature']))
  const answer = createForwardAuth(
    { verifier: () => ({ outcome: 'allow', principal: 'alice' }) },
    { for: 'traefik' },
  )
  const { headers } = await answer(
    subrequest('traefik', { headers: { authorization: 'Bearer k' } }),
  )
  const identity = [...headers.keys()].filter((name) => name.startsWith('x-auth-'))
  expect(authResponseHeaders.map((name: string) => name.toLowerCase()).toSorted()).toEqual(identity)
})
