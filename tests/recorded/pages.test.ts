import { describe, expect, it } from 'vitest'
import { pageNamed } from '../documentation/pages.ts'
import { serveHandler } from '../support/guarded-server.ts'
import { createAuthenticator } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { nodeTransport } from '../../src/node.ts'
import { firstOf, fromUpstream, introspection } from '../../src/verifiers.ts'
import { parseConfig } from '../../src/yaml.ts'
import { EXCHANGE } from './differences.ts'
import { replayExchange } from './exchange.ts'
import { at, readRecording } from './recording.ts'
import { undecided } from './replays.ts'
import { startRecordedService } from './service.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { Keycloak, Others } from './recordings.ts'

/** The configs of the pages, as they stand there, with what real servers answered. */

const keycloak = readRecording<Keycloak>('keycloak')
const ALICE = 'e435c314-f409-4881-9e54-c7058a45b30f'
const REALM_ROLES = ['default-roles-acme', 'offline_access', 'admin', 'uma_authorization']

/** The block of a page that has a text. */
function block(page: string, part: string): string {
  const { code = '' } = pageNamed(page).fences.find(({ code: text }) => text.includes(part)) ?? {}
  expect(code, `${page} has a block with ${part}`).toContain(part)
  return code
}

/** The options that a block of code gives to a function. */
function givenTo<Options>(name: string, code: string): Options {
  const start = code.indexOf(`${name}({`) + name.length + 1
  const end = /^ *\}\),?$/m.exec(code.slice(start))
  const literal = code.slice(start, start + (end?.index ?? 0))
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- the code of our own pages
  return new Function('process', `return ${literal}}`)({
    env: { CLIENT_SECRET: 'secret' },
  }) as Options
}

async function decide(config: AuthConfig, headers: HeadersInit): Promise<unknown> {
  const authenticate = createAuthenticator({ ...config, onEvent: () => undefined })
  const result = await authenticate(new Request('http://h.test/v1/models', { headers }))
  if (!result.ok) return result.response.status
  const { principal, attributes = {} } = result.auth ?? {}
  return [principal, { ...attributes }]
}

const bearer = (name: string) => ({ authorization: `Bearer ${keycloak.tokens[name]}` })

describe('docs/servers/keycloak.md and docs/identity.md', () => {
  it('has options of jwt for Keycloak that give the roles of the realm and of the API', async () => {
    const { issuer, discovery, keys, recordedAt } = keycloak
    const code = block('docs/servers/keycloak.md', 'jwt({')
    const options = givenTo<Parameters<typeof jwt>[0]>('jwt', code)
    const fetch = (url: string) =>
      Promise.resolve(Response.json(url.endsWith('/certs') ? keys : discovery))
    const verifier = jwt({ ...options, issuer, fetch })
    await at(recordedAt, async () => {
      expect(await decide({ verifier }, bearer('password'))).toEqual([
        ALICE,
        { roles: [...REALM_ROLES, 'reader', 'writer'] },
      ])
      expect(await decide({ verifier }, bearer('account'))).toBe(401)
      expect(await decide({ verifier }, bearer('id'))).toBe(401)
      expect(await decide({ verifier }, bearer('large'))).toBe(401)
      const asked = introspection({
        url: 'https://keycloak.example.com/introspect',
        client: { id: 'my-api', secret: 'secret' },
        audience: 'my-api',
        fetch: () =>
          Promise.resolve(
            new Response(keycloak.asked['my-api light']?.body ?? '', { headers: JSON_TYPE }),
          ),
      })
      const both = firstOf([verifier, asked], { fallThrough: true })
      expect(await decide({ verifier }, bearer('light'))).toBe(401)
      expect(await decide({ verifier: both }, bearer('light'))).toEqual([ALICE, {}])
    })
  })

  it('has options of introspection that take what Keycloak answers', async () => {
    const code = block('docs/identity.md', 'introspection({')
    const options = givenTo<Parameters<typeof introspection>[0]>('introspection', code)
    let name = 'password'
    const fetch = () => {
      const { status, body } = keycloak.asked[`my-api ${name}`] ?? { status: 500, body: '' }
      return Promise.resolve(new Response(body, { status, headers: JSON_TYPE }))
    }
    const verifier = introspection({ ...options, fetch })
    await at(keycloak.recordedAt, async () => {
      expect(await decide({ verifier }, bearer(name))).toEqual([ALICE, {}])
      name = 'account'
      expect(await decide({ verifier }, bearer(name))).toBe(401)
    })
  })
})

it('docs/servers/hydra.md has options of introspection that give the roles and the tenant', async () => {
  const { at: time, hydra } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const code = block('docs/servers/hydra.md', 'introspection({')
  const options = givenTo<Parameters<typeof introspection>[0]>('introspection', code)
  let name = 'user'
  const fetch = () => Promise.resolve(Response.json(hydra.opaque.answers[name]?.body))
  const verifier = introspection({ ...options, fetch })
  await at(time + 10_000, async () => {
    const headers = { authorization: `Bearer ${hydra.opaque.tokens['user']}` }
    expect(await decide({ verifier }, headers)).toEqual(['alice', { roles: ['admin', 'staff'] }])
    name = 'refresh'
    expect(await decide({ verifier }, headers)).toBe(401)
  })
})

const JSON_TYPE = { 'content-type': 'application/json' }

it('docs/yaml.md has a file for Keycloak, which names the caller by the claim of the page', async () => {
  const service = await startRecordedService(() => ({ body: JSON.stringify(keycloak.keys) }))
  const file = block('docs/yaml.md', 'realm_access.roles: roles')
    .replace('https://login.example.com/jwks', `http://127.0.0.1:${service.port}/certs`)
    .replace('https://login.example.com/', keycloak.issuer)
    .replace('audience: ogx', 'audience: my-api')
  const config = parseConfig(file, { jwt })
  await at(keycloak.recordedAt, async () => {
    expect(await decide(config, bearer('password'))).toEqual(['alice', { roles: REALM_ROLES }])
    expect(await decide(config, bearer('account'))).toBe(401)
  })
  await service.stop()
})

describe('docs/servers/oauth2-proxy.md', () => {
  const page = 'docs/servers/oauth2-proxy.md'
  const { o2p } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const inCode = fromUpstream(givenTo('fromUpstream', block(page, 'fromUpstream({')))
  const inFile = parseConfig(block(page, 'type: upstream_header'))

  it.each([
    ['code', inCode],
    ['the file', inFile],
  ])('reads in %s the names and groups that oauth2-proxy sent', async (_name, config) => {
    const decided: Record<string, unknown> = {}
    for (const { who, lines } of o2p) {
      decided[who] = await decide(
        { ...config, context: { clientAddress: () => '10.0.0.7' } },
        lines,
      )
    }
    expect(decided).toEqual({
      one: ['bob', { teams: ['design'] }],
      none: ['carol', {}],
      two: ['alice', { teams: ['engineering', 'design'] }],
      json: ['eve', { teams: ['["admin"', '"ops"]'] }],
      umlaut: ['jürgen', {}],
      comma: ['doe,john', {}],
      forged: ['bob', { teams: ['design'] }],
    })
    const elsewhere = { ...config, context: { clientAddress: () => '10.0.0.8' } }
    expect(await decide(elsewhere, o2p[0]?.lines ?? [])).toBe(403)
  })
})

const SLOW = { tags: ['slow'] }

it('docs/servers/llama-stack.md has a file that decides as Llama Stack did', SLOW, async () => {
  const migrated = block('docs/servers/llama-stack.md', 'context: { params: lists }')
  const cases = await replayExchange(serveHandler, migrated, (_, index) => index % 4 === 0)
  expect(cases.length).toBeGreaterThan(1000)
  expect(undecided({ decided: EXCHANGE }, cases)).toEqual([])
})

it.each([
  ['fetch', undefined],
  ['nodeTransport', nodeTransport()],
])('no cookie of the endpoint comes with the next question, by %s', async (_name, fetch) => {
  const cookies: unknown[] = []
  const service = await startRecordedService(({ headers }) => {
    cookies.push(headers['cookie'])
    return { headers: { 'set-cookie': 'sid=alice; Path=/' }, body: '{"principal":"alice"}' }
  })
  const endpoint = `http://127.0.0.1:${service.port}`
  const config = { endpoint, ...(fetch && { fetch }) }
  expect(await decide(config, { authorization: 'Bearer alice' })).toEqual(['alice', {}])
  expect(await decide(config, { authorization: 'Bearer bob' })).toEqual(['alice', {}])
  expect(cookies).toEqual([undefined, undefined])
  await service.stop()
})
