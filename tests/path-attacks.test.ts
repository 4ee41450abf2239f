import { describe, expect, it } from 'vitest'
import { PRESETS } from '../src/forward-auth/preset.ts'
import { createReceiver } from '../src/forward-auth/receive.ts'
import { isBelow } from '../src/keys/paths.ts'
import { NEVER_ASKED, setupAttack, withHeader } from './core/request/attack.ts'
import { raw } from './support/requests.ts'
import { subrequest } from './support/subrequest.ts'
import { TOKEN } from './support/token.ts'
import { words } from './support/words.ts'

/**
 * Every path by which somebody has tried to reach another one, and what each reader of paths makes of it: the guard, its public
 * paths, forward auth, and the paths of a key. `tests/runtimes/raw-requests` sends them to real servers.
 */

const { attack, asked } = setupAttack()

const send = (url: string, headers: Record<string, string> = {}) => attack(raw(url, headers))
const NO_NAMES = {
  principal: undefined,
  tenant: undefined,
  attributes: undefined,
  scopes: undefined,
  client: undefined,
}
const MALFORMED = { status: 400, code: 'malformed_request', asked: [], handled: 0 }

describe.each([
  ['a dot segment (Heimdall GHSA-3q34-rx83-r6mq)', '/. /.. /./a /a/../b /a/.. /public/../admin'],
  [
    'an encoded dot segment',
    '/%2e /%2E%2e/a /a/.%2e/b /a/%2E./b /public/%2e%2e/admin /public/%zz/%2e%2e%2fadmin',
  ],
  [
    'an encoded slash (fast-uri CVE-2026-6321, Ory CVE-2026-33494)',
    '/..%2fadmin /public/..%2F..%2fadmin /x%2f.. /x%2F.%2fa /public%2f..%2fadmin /public/%2e%2e%2fadmin',
  ],
  ['an encoded backslash', '/..%5cadmin /public/..%5cadmin /x%5C%2e%2E /x%5c./a /x%5c..'],
  [
    'a path parameter, as servers in Java read it',
    '/..;/admin /.;x=1 /..; /%2e%2e;a /..%3badmin /.%3B /x%2f..;/a /x%5c%2e%3bx /public/..;x/admin',
  ],
  [
    'a triplet that decoding would put together',
    '/%2%65/a /%%32e/a /%%35c /%2%66 /%2%46 /%%61 /%%36%65 /public/%2%65%2e/admin',
  ],
])('a path with two readings by %s', (_title, paths) => {
  it.each(words(paths))('%s is for nobody', async (path) => {
    expect(await send(`http://h${path}`)).toMatchObject(MALFORMED)
    expect(judged(path)).toBe('malformed_request')
    expect(judged(path, true)).toBe('malformed_request')
    expect(isBelow(path, ['/', '/public'])).toBe(false)
  })
})

it.each([
  ['a backslash (Caddy CVE-2026-52844)', 'http://h/public/..\\admin'],
  ['a fragment after a public path (Traefik CVE-2023-47106)', 'http://h/public#/../admin'],
  ['a public path in a fragment (oauth2-proxy CVE-2026-41059)', 'http://h/admin#/public/'],
  ['a backslash in Host', 'http://h.test\\public/admin'],
  ['a path and a query in Host (honojs/node-server#163)', 'http://h?x=/healthz'],
  ['userinfo', 'http://u:p@h/healthz'],
  ['no Host', 'http:///healthz'],
])('a URL with two readings is malformed: %s', async (_title, url) => {
  expect(await send(url)).toMatchObject(MALFORMED)
})

describe.each([
  ['an encoded slash', '/public/a%2fb /public/a%2Fb /public/..a%2fb'],
  ['an encoded backslash', '/public/a%5cb /public/a%5Cb /public/..%255cadmin'],
  ['an encoded NUL', '/public/a%00 /public/%00'],
  ['an empty segment (rou3 CVE-2025-71399, middie CVE-2026-2880)', '//public/x /public//x //'],
  ['a parameter without a segment', '/public/; /public/;x'],
  [
    'two encodings',
    '/public/%252e%252e/admin /public/%2561dmin /public/%25EF /public/a%2525 /public/%25252e%25252e/admin',
  ],
  ['overlong UTF-8 beside a slash', '/public/%C0%AE%C0%AE%C0%AFadmin%2f'],
])('a path that hides its structure by %s', (_title, paths) => {
  it.each(words(paths))('%s is not public, and the proxy has to pass it on', async (path) => {
    const without = await send(`http://h${path}`)
    expect(without).toMatchObject({ ...NEVER_ASKED, code: 'missing_credentials' })
    expect(judged(path)).toBe('malformed_request')
    expect(judged(path, true)).toBe(`https://api.example.test${path}`)
    await send(`http://h${path}`, { authorization: `Bearer ${TOKEN}` })
    expect(asked[0]?.body.request['path']).toBe(path)
  })
})

describe.each([
  ['another case (Authelia CVE-2026-48794)', '/PUBLIC/x /Healthz'],
  ['another case, percent-encoded (Caddy CVE-2026-27587)', '/%48ealthz'],
  ['a public path in the query (oauth2-proxy CVE-2025-54576)', '/admin?x=/public/'],
  ['a suffix that Next.js strips (Next.js CVE-2026-44575)', '/admin.rsc /healthz.rsc'],
  ['what follows it', '/healthz/ /healthz/x /healthzx /healthz;a=1 /healthz%0a /healthz%20'],
  ['what is missing', '/health /public /public/'],
])('a path only resembles a public one by %s', (_title, paths) => {
  it.each(words(paths))('%s', async (path) => {
    const without = await send(`http://h${path}`)
    expect(without).toMatchObject({ ...NEVER_ASKED, code: 'missing_credentials' })
  })
})

it.each([
  ['a path in Host (honojs/node-server#163)', 'h/public'],
  ['a path and a query in Host, which Deno and workerd put into the URL', 'h/public/x?'],
])('a public path is not public with %s', async (_title, host) => {
  expect(await send('http://h/public/x', { host })).toMatchObject(NEVER_ASKED)
  const usual = await send('http://h/public/x', { host: 'h.test:80' })
  expect(usual).toMatchObject({ status: 200, handled: 1 })
})

it.each(['POST', 'OPTIONS', 'TRACE', 'get'])(
  'a public path is not public for the method %s',
  async (method) => {
    const request = raw('http://h/healthz', { 'x-http-method-override': 'GET' }, method)
    expect(await attack(request)).toMatchObject(NEVER_ASKED)
  },
)

it.each(
  words(
    '/ /public/a /public/a;b /public/a%20b /public/%0a /public/100%25 /public/a%252 /public/a%25g0 /public/a%250g',
  ),
)('%s is public', async (path) => {
  expect(await send(`http://h${path}`)).toMatchObject({ status: 200, asked: [], handled: 1 })
})

it.each([
  ['the first letter (middie CVE-2026-22031)', '/%61dmin'],
  ['several letters (fastify/fastify-express#174)', '/%61%64m%69n'],
  ['upper-case digits (withastro/astro#14771)', '/admi%6E'],
])('encoded letters are told decoded, as routers read them: %s', async (_title, path) => {
  await attack(withHeader(`Bearer ${TOKEN}`, `http://h${path}`))
  expect(asked[0]?.body.request['path']).toBe('/admin')
})

/** What forward auth asks about a target, or why it does not ask. */
function judged(target: string, rawTargets = false): string {
  const receiver = createReceiver({ preset: PRESETS.nginx, rawTargets, identityHeaders: NO_NAMES })
  const { judged: found } = receiver.receive(subrequest('nginx', { target }))
  return 'code' in found ? found.code : found.url
}
