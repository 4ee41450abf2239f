import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { sign } from '../../support/issuer.ts'
import { APP_TOKEN, GITHUB_TOKEN, GOOD, startProviders } from '../../support/provider-services.ts'
import { setupGateway } from '../support/running-gateway.ts'
import type { IncomingHttpHeaders } from 'node:http'
import type { SigningKey } from '../../support/issuer.ts'

/** `with-auth gateway --config` with the providers of OGX, in front of a server. */

let received: IncomingHttpHeaders = {}
const { inFolder, reached, start } = setupGateway(({ headers }, response) => {
  received = headers
  response.end()
})
const SECRET = '0123456789abcdef'
const NETWORK = 'upstream_header, principal_header: x-user, trusted_network: true'

function write(auth: string): string {
  const file = inFolder(`run${Math.random()}.yaml`)
  writeFileSync(file, `server: { auth: { ${auth} } }`)
  return file
}

async function startWith(auth: string, args: readonly string[] = []) {
  const gateway = start(['--config', write(auth), ...args])
  const url = await gateway.listening()
  const call = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(url, { headers })).status
  return {
    ...gateway,
    url,
    call,
    bearer: (token: string) => call({ authorization: `Bearer ${token}` }),
  }
}

function tokenOf(key: SigningKey, claims: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  return sign(key, { iss: 'me', aud: 'ogx', sub: 'alice', exp, ...claims })
}

describe('with-auth gateway --config', () => {
  it('checks JSON Web Tokens by the keys of their issuer', async () => {
    const { url, key } = await startProviders()
    const jwks = `jwks: { uri: "${url}/jwks" }, issuer: me, tenant_claim: org`
    const gateway = await startWith(`provider_config: { type: oauth2_token, ${jwks} }`)
    expect(await gateway.bearer(await tokenOf(key, { org: 'acme' }))).toBe(200)
    expect(received).toMatchObject({
      'x-auth-principal': 'alice',
      'x-auth-tenant': 'acme',
      'x-auth-attributes': '{"roles":["alice"]}',
    })
    expect(received).not.toHaveProperty('authorization')
    expect(await gateway.bearer(await tokenOf(key, { aud: 'other' }))).toBe(401)
    expect(gateway.logged('decision').at(-1)).toMatchObject({ verifier: 'jwt', detail: 'audience' })
    expect(gateway.logged('listening')).toMatchObject([{ revokedKeyWorksForMs: null }])
    expect(gateway.noted()).toContain('(a token works until it ends by itself)')
  })

  const ROBOT = 'system:serviceaccount:default:robot'
  const APP = 'client_id: app, client_secret: b'

  it.each([
    [
      'oauth2_token',
      'introspection: { url: "URL/introspect", client_id: a, client_secret: b }',
      GOOD,
      'ally',
    ],
    ['github_token', 'github_api_base_url: "URL"', GITHUB_TOKEN, 'octocat'],
    ['github_token', `github_api_base_url: "URL", ${APP}`, APP_TOKEN, 'octocat'],
    ['kubernetes', 'api_server_url: "URL"', GOOD, ROBOT],
    ['custom', 'endpoint: "URL/validate"', GOOD, 'carol'],
  ])('asks a service: %s { %s }', async (type, keys, token, principal) => {
    const { url } = await startProviders()
    const provider = `type: ${type}, ${keys.replace('URL', url)}`
    const gateway = await startWith(`provider_config: { ${provider} }`)
    expect(await gateway.bearer(token)).toBe(200)
    expect(received['x-auth-principal']).toBe(principal)
    expect(await gateway.bearer('other')).toBe(401)
    expect(reached).toHaveLength(1)
    const seconds = type === 'kubernetes' ? 15 : 5
    expect(gateway.logged('listening')).toMatchObject([{ revokedKeyWorksForMs: seconds * 1000 }])
    expect(gateway.noted()).toContain(`a revoked key works for at most ${seconds} s for new`)
  })

  it('knows the keys of the file', async () => {
    const gateway = await startWith(
      'provider_config: { type: local_api_key, api_keys: [s3cret-key] }',
    )
    expect(await gateway.bearer('s3cret-key')).toBe(200)
    expect(received).toMatchObject({
      'x-auth-principal': 'key-1',
      'x-auth-attributes': '{"roles":["admin","owner"],"teams":["key-1"]}',
    })
    expect(await gateway.bearer('s3cret-ke')).toBe(401)
    expect(gateway.noted()).toContain('(a key works until this process is started without it)')
    expect(gateway.printed() + gateway.noted()).not.toContain('s3cret')
  })

  it('takes identities from a proxy with the secret, and from no other client', async () => {
    const proof = `trusted_proxy_secret_header: x-proof, trusted_proxy_secret: ${SECRET}`
    const gateway = await startWith(
      `provider_config: { type: upstream_header, principal_header: x-user, tenant_header: x-org, ${proof} }`,
    )
    const named = { 'x-user': 'bob', 'x-org': 'acme' }
    expect(await gateway.call({ ...named, 'x-proof': SECRET })).toBe(200)
    expect(received).toMatchObject({ 'x-auth-principal': 'bob', 'x-auth-tenant': 'acme' })
    expect(received).not.toHaveProperty('x-proof')
    expect(await gateway.call(named)).toBe(403)
    expect(await gateway.call({ 'x-proof': SECRET })).toBe(401)
    expect(gateway.noted()).toContain('(the proxy in front says who calls)')
  })

  it('takes identities from the address of a proxy', async () => {
    const proxyAt = (cidr: string): string =>
      `provider_config: { type: upstream_header, principal_header: x-user, trusted_proxy_cidrs: ["${cidr}"] }`
    const trusting = await startWith(proxyAt('127.0.0.0/8'))
    expect(await trusting.call({ 'x-user': 'bob' })).toBe(200)
    const other = await startWith(proxyAt('10.0.0.0/8'), ['--trusted-proxy', '127.0.0.0/8'])
    // The header would make this client a proxy of that network.
    const forwarded = { 'x-user': 'bob', 'x-forwarded-for': '10.0.0.1' }
    expect(await other.call(forwarded)).toBe(403)
    expect(other.logged('decision').at(-1)).toMatchObject({
      reason: 'forbidden',
      detail: 'address',
    })
  })

  it('writes a line for each warning before it listens', async () => {
    const { url } = await startProviders()
    const gateway = await startWith(
      `providers: [{ type: local_api_key, api_keys: [a] }, { type: github_token, github_api_base_url: "${url}" }]`,
    )
    const lines = gateway.logged()
    const types = lines.map(({ type }) => type)
    expect(
      types.slice(0, types.indexOf('listening')).filter((type) => type === 'warning'),
    ).toHaveLength(3)
    expect(types.lastIndexOf('warning')).toBeLessThan(types.indexOf('listening'))
    expect(gateway.noted()).toContain(
      '(a key works until this process is started without it; a revoked key works for at most 5 s for new requests)',
    )
  })

  it('warns of what its provider is missing before any caller is asked about', async () => {
    const { url, answerWith } = await startProviders()
    answerWith(() => ({ status: 403, json: {} }))
    const gateway = start([
      '--config',
      write(`provider_config: { type: kubernetes, api_server_url: "${url}" }`),
    ])
    await vi.waitFor(() => {
      const text = `${new URL(url).host} answered 403: check "server.auth.provider_config.audiences"`
      expect(gateway.logged('warning').map(({ message }) => message)).toContain(text)
    }, 10_000)
  })

  it('asks nothing about a random key where the network is trusted, and says so', async () => {
    const gateway = await startWith(`provider_config: { type: ${NETWORK} }`)
    expect(gateway.logged('warning').map(({ message }) => message)).toEqual([
      expect.stringContaining('whoever can reach this server can name any caller'),
      'A provider trusts its network, and is not asked about a random key: whoever reaches the gateway can name any caller',
    ])
    expect(await gateway.call({ 'x-user': 'bob' })).toBe(200)
  })

  it('does not start if its provider allows a random key', async () => {
    const { url, answerWith } = await startProviders()
    answerWith(() => ({ json: { active: true, sub: 'anybody' } }))
    const introspection = `introspection: { url: "${url}/", client_id: a, client_secret: b }`
    const gateway = start([
      '--config',
      write(`provider_config: { type: oauth2_token, ${introspection} }`),
    ])
    expect(await gateway.ended).toBe(1)
    expect(gateway.noted()).toBe(
      'with-auth: The command does not start: the provider in server.auth allowed a random key. Does its URL lead to the right service?\n',
    )
  })

  it('holds the callers of each provider until the one that takes every token has denied a random key', async () => {
    const { url, answerWith } = await startProviders()
    answerWith(() => ({ status: 500 }))
    const local = '{ type: local_api_key, api_keys: [s3cret-key] }'
    const gateway = await startWith(
      `providers: [${local}, { type: custom, endpoint: "${url}/validate" }]`,
    )
    expect(await gateway.bearer('s3cret-key')).toBe(503)
    expect(gateway.logged('decision')).toMatchObject([{ reason: 'endpoint_unproven' }])
    answerWith(() => ({ status: 401 }))
    await vi.waitFor(async () => expect(await gateway.bearer('s3cret-key')).toBe(200), {
      timeout: 15_000,
    })
    answerWith(() => ({ status: 500 }))
    expect(await gateway.bearer('s3cret-key')).toBe(200)
  })
})
