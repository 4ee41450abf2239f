import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageNamed } from '../documentation/pages.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { serveHandler } from '../support/guarded-server.ts'
import { createAuthenticator } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { fromUpstream, introspection } from '../../src/verifiers.ts'
import { loadConfig, parseConfig } from '../../src/yaml.ts'
import { EXCHANGE } from './differences.ts'
import { replayExchange } from './exchange.ts'
import { at, readRecording } from './recording.ts'
import { undecided } from './replays.ts'
import { startService } from './service.ts'
import type { Answer } from './service.ts'
import type { AuthConfig } from '../../src/index.ts'

/** The configs of the pages, as they stand there, with what real servers answered. */

interface Keycloak {
  readonly recordedAt: number
  readonly issuer: string
  readonly discovery: object
  readonly keys: object
  readonly tokens: Readonly<Record<string, string>>
  readonly asked: Readonly<Record<string, { readonly status: number; readonly body: string }>>
}

interface Proxied {
  readonly o2p: readonly { readonly who: string; readonly lines: [string, string][] }[]
}

interface Kubernetes {
  readonly recordedAt: number
  readonly reviewer: string
  readonly cases: readonly {
    readonly name: string
    readonly token: string
    readonly tapes: readonly [{ readonly request: { body: string }; readonly answer: Answer }]
    readonly decisions: readonly string[]
  }[]
}

const keycloak = readRecording<Keycloak>('keycloak')
const ALICE = 'e435c314-f409-4881-9e54-c7058a45b30f'
const REALM_ROLES = ['default-roles-acme', 'offline_access', 'admin', 'uma_authorization']

/** The block of a page that has a text. */
function block(page: string, part: string): string {
  const { code = '' } = pageNamed(page).fences.find(({ code: text }) => text.includes(part)) ?? {}
  expect(code, `${page} has a block with ${part}`).toContain(part)
  return code
}

/** What a block of code gives to a function. */
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

describe('docs/identity.md', () => {
  it('has options of jwt for Keycloak that give the roles of the realm and of the API', async () => {
    const { issuer, discovery, keys, recordedAt } = keycloak
    const code = block('docs/identity.md', 'keycloak.example.com')
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

const JSON_TYPE = { 'content-type': 'application/json' }

it('docs/yaml.md has a file for Keycloak, which names the caller by the claim of the page', async () => {
  const service = await startService(() => ({ body: JSON.stringify(keycloak.keys) }))
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
  const { o2p } = readRecording<Proxied>('hydra-zitadel-oauth2-proxy')
  const inCode = fromUpstream(givenTo('fromUpstream', block(page, 'fromUpstream({')))
  const inFile = parseConfig(block(page, 'type: upstream_header'))

  it.each([
    ['code', inCode],
    ['the file', inFile],
  ])('reads in %s the names and groups that oauth2-proxy sent', async (_name, config) => {
    const decided: Record<string, unknown> = {}
    for (const { who, lines } of o2p) {
      decided[who] = await decide({ ...config, clientAddress: () => '10.0.0.7' }, lines)
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
    const elsewhere = { ...config, clientAddress: () => '10.0.0.8' }
    expect(await decide(elsewhere, o2p[0]?.lines ?? [])).toBe(403)
  })
})

describe('docs/servers/kubernetes.md', () => {
  const pathOf = setupFolder()

  it('has a file that lets in only the accounts of its namespace', async () => {
    const { recordedAt, reviewer, cases } = readRecording<Kubernetes>('kubernetes')
    const service = await startService(({ text }) => {
      const asked = cases.find(({ tapes: [{ request }] }) => request.body === text)
      return asked?.tapes[0].answer ?? { status: 500 }
    })
    writeFileSync(pathOf('token'), reviewer)
    const here = `type: kubernetes\n      api_server_url: http://127.0.0.1:${service.port}\n      reviewer_token_file: ${pathOf('token')}`
    const file = block('docs/servers/kubernetes.md', 'with prod in namespace')
    writeFileSync(pathOf('run.yaml'), file.replace('type: kubernetes', here))
    const config = await loadConfig(pathOf('run.yaml'))
    const decided: Record<string, unknown> = {}
    await at(recordedAt, async () => {
      for (const { name, token } of cases) {
        const decision = await decide(config, { authorization: `Bearer ${token}` })
        decided[name] = Array.isArray(decision) ? 200 : decision
      }
    })
    const wanted = cases.map(({ name, decisions: [decision] }) => {
      const allowed = name === 'the same name in another namespace' ? 403 : 200
      return [name, decision === 'in' ? allowed : 401]
    })
    expect(decided).toEqual(Object.fromEntries(wanted))
    await service.stop()
  })
})

describe('docs/migration.md', () => {
  it('has a file that decides as Llama Stack did', { timeout: 60_000 }, async () => {
    const file = block('docs/migration.md', 'context: { params: lists }')
    const cases = await replayExchange(serveHandler, file, 4)
    expect(cases.length).toBeGreaterThan(1000)
    expect(undecided({ decided: EXCHANGE }, cases)).toEqual([])
  })
})
