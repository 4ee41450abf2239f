import { writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { jwt } from '../../../src/jwt.ts'
import { loadConfig, parseConfig, watchConfig } from '../../../src/yaml.ts'
import { FileParts, readText } from '../../../src/yaml/parsed-file.ts'
import { guardOf } from '../../support/guarded-verifier.ts'
import { sign } from '../../support/issuer.ts'
import { GOOD, startProviders } from '../../support/provider-services.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import type { AuthConfig } from '../../../src/index.ts'
import type { ProviderWatch } from '../../../src/yaml/providers/make.ts'

/** Providers as a whole: several, their warnings, their secrets, and a file that changes. */

const pathOf = setupFolder()

function write(auth: string): string {
  const file = pathOf('run.yaml')
  writeFileSync(file, `server: { auth: { ${auth} } }`)
  return file
}

const parse = (auth: string): AuthConfig => parseConfig(`server: { auth: { ${auth} } }`, { jwt })
const load = (auth: string): Promise<AuthConfig> => loadConfig(write(auth))
const KEYS = '{ type: local_api_key, api_keys: [first-key, second-key] }'

describe('providers', () => {
  async function startThree(more = '') {
    const services = await startProviders()
    const { url, key } = services
    const oauth2 = `{ type: oauth2_token, issuer: me, jwks: { uri: "${url}/jwks" } }`
    const custom = `{ type: custom, endpoint: "${url}/validate" }`
    const guard = guardOf(await load(`providers: [${KEYS}, ${oauth2}, ${custom}]${more}`))
    const exp = Math.floor(Date.now() / 1000) + 600
    const token = await sign(key, { iss: 'me', aud: 'ogx', sub: 'alice', exp })
    return { ...services, guard, token }
  }

  it('each decide about their own tokens, which no other one sees', async () => {
    const { guard, token, calls } = await startThree()
    const first = { outcome: 'allow', verifier: 'keys', auth: { principal: 'key-2' } }
    expect(await guard.send({ token: 'second-key' })).toMatchObject(first)
    const second = { outcome: 'allow', verifier: 'jwt', auth: { principal: 'alice' } }
    expect(await guard.send({ token })).toMatchObject(second)
    expect(calls.map(({ url }) => url)).toEqual(['/jwks'])
    expect(calls[0]?.headers).not.toHaveProperty('authorization')
    const third = { outcome: 'allow', verifier: 'endpoint', auth: { principal: 'carol' } }
    expect(await guard.send({ token: GOOD })).toMatchObject(third)
    expect(await guard.send({ token: `${token}AAAA` })).toMatchObject({
      verifier: 'jwt',
      detail: 'signature',
    })
    expect(calls.map(({ url }) => url)).toEqual(['/jwks', '/validate'])
    expect(calls.at(-1)?.body).toContain(GOOD)
  })

  it('with fall_through go on after a denial', async () => {
    const { guard, token, calls } = await startThree(', fall_through: true')
    const denied = { outcome: 'deny', reason: 'denied', detail: 'signature' }
    expect(await guard.send({ token: `${token}AAAA` })).toMatchObject(denied)
    expect(calls.map(({ url }) => url)).toEqual(['/jwks', '/validate'])
  })

  it('tell an endpoint what `context` says', async () => {
    const { guard, calls } = await startThree(', context: { headers: [x-org], path: false }')
    await guard.send({ token: GOOD, headers: { 'x-org': 'acme', 'x-other': 'b' } })
    const { request } = JSON.parse(calls.at(-1)?.body ?? '') as { request: object }
    expect(request).toEqual({ path: '', headers: { 'x-org': 'acme' }, params: {} })
  })

  it('ask each service as `retry`, `circuit_breaker` and `concurrency` say', async () => {
    const { url, calls, fail } = await startProviders()
    const askingBy = async (rules: string) => {
      const custom = `{ type: custom, endpoint: "${url}/validate" }`
      return guardOf(await load(`providers: [${KEYS}, ${custom}], ${rules}`))
    }
    const limited = await askingBy('concurrency: { max_in_flight: 1, max_waiting: 0 }')
    const [, second] = await Promise.all([
      limited.send({ token: GOOD }),
      limited.send({ token: 'other' }),
    ])
    expect(second.reason).toBe('overloaded')
    fail()
    calls.length = 0
    const trying = await askingBy('retry: { attempts: 3 }')
    await trying.send({ token: GOOD })
    expect(calls).toHaveLength(4)
    calls.length = 0
    const persistent = await askingBy('retry: false, circuit_breaker: false')
    for (let sent = 0; sent < 30; sent += 1) await persistent.send({ token: GOOD })
    expect(calls).toHaveLength(30)
  })

  it('allow a caller without a principal only if `identity` is optional', async () => {
    const { url } = await startService(() => ({ json: {} }))
    const providers = `providers: [{ type: custom, endpoint: "${url}" }]`
    const outcomeOf = async (auth: string) => (await guardOf(await load(auth)).ask()).outcome
    expect(await outcomeOf(providers)).toBe('deny')
    expect(await outcomeOf(`${providers}, identity: optional`)).toBe('allow')
  })

  it.each([
    ['"[redacted]"', `provider_config: ${KEYS}`],
    ['"[redacted]"', `providers: [${KEYS}, { type: kubernetes }]`],
    [
      '"x-key":"[redacted]"',
      'providers: [{ type: custom, endpoint: "https://a/", endpoint_headers: { x-key: first-key } }]',
    ],
    [
      '"token":"[redacted]"',
      'provider_config: { type: oauth2_token, issuer: me, jwks: { uri: "https://a.example/", token: first-key } }',
    ],
  ])('show no secret, but %s: %s', async (shown, auth) => {
    for (const config of [parse(auth), await load(auth)]) {
      const { verifier } = config
      const told = JSON.stringify([config, verifier, verifier?.describe?.(), verifier?.id])
      expect(told).not.toMatch(/first-key|second-key/)
      expect(told).toContain(shown)
      expect(verifier?.warnings?.join()).not.toMatch(/first-key|second-key/)
    }
  })

  it('warn of what is allowed and should be written otherwise', () => {
    const warningsOf = (auth: string) => parse(auth).verifier?.warnings
    const said = (key: string, text: string): unknown =>
      expect.stringMatching(new RegExp(`^"server\\.auth\\.${key}" ${text}`))
    const provider = (keys: string): string => `provider_config: { type: ${keys} }`
    const jwks = 'oauth2_token, jwks: { uri: "https://a.example/" }'
    const proxy = 'upstream_header, principal_header: x-a'
    const audience =
      '"server.auth.provider_config.audience" is missing: tokens must be for "ogx", as in OGX. Llama Stack up to 0.7.3 expects "llama-stack": set it to the "aud" of your tokens'
    expect(warningsOf(provider(jwks))).toEqual([
      said('provider_config.issuer', 'is missing: .* Set it'),
      audience,
    ])
    expect(warningsOf(provider(`${jwks}, issuer: me`))).toEqual([audience])
    expect(warningsOf(provider(`${jwks}, issuer: me, audience: ogx`))).toEqual([])
    const older = 'provider_type: oauth2_token, config: { issuer: me, jwks: { uri: "https://a/" } }'
    expect(warningsOf(older)).toEqual([])
    expect(warningsOf(provider('github_token'))).toEqual([
      said('provider_config.client_id', 'is missing: .* Set it and "client_secret"'),
      said('provider_config.claims_mapping', 'makes a role of each login: .* Write claims_mapping'),
    ])
    expect(
      warningsOf(provider('github_token, client_id: a, client_secret: b, claims_mapping: {}')),
    ).toEqual([])
    expect(warningsOf(provider('kubernetes'))).toEqual([
      said('provider_config.audiences', 'is missing: .* let pods send tokens for that$'),
      '"server.auth.route_policy" is missing: any account of any namespace can get such a token, and may do everything here. Add rules that name the namespaces or the accounts, such as when: user with prod in namespace',
    ])
    const rules = "route_policy: [{ permit: { paths: '*' }, when: user with prod in namespace }]"
    expect(warningsOf(`${provider('kubernetes')}, ${rules}`)).toHaveLength(1)
    const enforced = `server: { auth: { ${provider('kubernetes')}, access_policy: [] } }`
    const { verifier } = parseConfig(enforced, { accessPolicy: 'upstream' })
    expect(verifier?.warnings).toHaveLength(1)
    const client = 'client_id: a, client_secret: b'
    expect(
      warningsOf(provider(`oauth2_token, introspection: { url: "https://a/", ${client} }`)),
    ).toEqual([])
    expect(warningsOf(provider(`${proxy}, trusted_network: true`))).toEqual([
      said(
        'provider_config.trusted_network',
        'is true: .* Prefer "trusted_proxy_signature_header"',
      ),
    ])
    expect(warningsOf(provider(`${proxy}, trusted_proxy_cidrs: [10.0.0.1]`))).toEqual([])
    expect(warningsOf(`provider_config: ${KEYS}`)).toEqual([
      said('provider_config.api_keys', '.* never reorder it, .* Move the keys to a key file'),
    ])
    const insecure = expect.stringContaining('"server.auth.allow_insecure_http" is true') as unknown
    for (const [type, others] of [
      [`${jwks}, issuer: me, audience: ogx`, 0],
      ['github_token', 2],
      ['kubernetes', 2],
    ] as const) {
      const warnings = warningsOf(`${provider(type)}, allow_insecure_http: true`)
      expect(warnings).toHaveLength(others + 1)
      expect(warnings).toContainEqual(insecure)
    }
  })

  it('hash keys once a file is read, and with the first question about a text', async () => {
    const random = vi.spyOn(crypto, 'getRandomValues')
    // At the start of a module Workers draw no random value.
    const { verifier } = parse(`provider_config: ${KEYS}`)
    expect(random).not.toHaveBeenCalled()
    expect(verifier?.accepts?.('first-key')).toBe(true)
    expect(random).toHaveBeenCalledTimes(1)
    await load(`provider_config: ${KEYS}`)
    expect(random).toHaveBeenCalledTimes(2)
  })

  it('name a key by its place in the list, empty entries included', async () => {
    const config = parse(
      'provider_config: { type: local_api_key, api_keys: ["${env.NO_SUCH:=}", b] }',
    )
    for (const guard of [guardOf(config), guardOf(config)]) {
      expect(await guard.send({ token: 'b' })).toMatchObject({ auth: { principal: 'key-2' } })
      expect(await guard.send({ token: 'undefined' })).toMatchObject({ detail: 'unknown_token' })
      expect(await guard.send({})).toMatchObject({ reason: 'missing_credentials' })
    }
  })
})

it.each([
  ['endpoint: "URL/validate", tenant: { mode: multi }', 'server.auth'],
  ['provider_config: { type: kubernetes, api_server_url: "URL" }', 'server.auth.provider_config'],
  [`providers: [${KEYS}, { type: custom, endpoint: "URL/validate" }]`, 'server.auth.providers[1]'],
])('a watch, as of `with-auth explain`, knows the calls of %s by their key', async (auth, key) => {
  const { url } = await startProviders()
  const calls: string[] = []
  const watch: ProviderWatch = {
    transport: (of, transport) => (target, init) => {
      calls.push(of)
      return transport(target, init)
    },
    verifier: (_, verifier) => verifier,
  }
  const given = { path: 'f', env: {}, allowMissing: false, hasEnforcingUpstream: false }
  const draft = readText(`server: { auth: { ${auth.replace('URL', url)} } }`, given)
  const { config = {} } = await new FileParts(undefined, watch).make(draft)
  expect(await guardOf(config).send({ token: GOOD })).toMatchObject({ outcome: 'allow' })
  expect(calls).toEqual([key])
})

describe('a file that changes', () => {
  const PROXY =
    'provider_config: { type: upstream_header, principal_header: x-a, trusted_network: true }'
  const JWKS =
    'provider_config: { type: oauth2_token, issuer: me, jwks: { uri: "https://a.example/" } }'

  async function watch(auth: string) {
    const changes: AuthConfig[] = []
    const onError = vi.fn()
    const watched = await watchConfig(write(auth), {
      onChange: (config) => changes.push(config),
      onError,
      intervalMs: 10,
    })
    onTestFinished(() => watched.close())
    const change = async (next: string): Promise<AuthConfig | undefined> => {
      const before = changes.length
      write(next)
      await vi.waitFor(() => expect(changes.length).toBeGreaterThan(before), { timeout: 5000 })
      return changes.at(-1)
    }
    return { first: watched.config, change, changes, onError }
  }

  const K8S = 'provider_config: { type: kubernetes }'
  const ENDPOINT = 'endpoint: "https://a.example/", tenant: { mode: multi }'
  const RULES = "route_policy: [{ permit: { paths: '*' }, when: user with prod in namespace }]"

  it.each([
    ['keys', JWKS],
    ['connections', ENDPOINT],
  ])('keeps its verifier, with its %s, while what decides stays the same', async (_, auth) => {
    const { first, change } = await watch(auth)
    const next = await change(`${auth}, realm: models`)
    expect(next?.verifier).toBe(first.verifier)
  })

  it.each([
    ['its provider', JWKS, PROXY],
    ['a key of its provider', JWKS, JWKS.replace('me', 'you')],
    ['an option that its provider gets', JWKS, `${JWKS}, allow_insecure_http: true`],
    ['its first rules, since a warning ends,', K8S, `${K8S}, ${RULES}`],
    ['its endpoint', ENDPOINT, ENDPOINT.replace('a.', 'b.')],
    ['an option that its endpoint gets', ENDPOINT, `${ENDPOINT}, identity: required`],
  ])('makes another one after a change of %s alone', async (_, before, after) => {
    const { first, change } = await watch(before)
    const next = await change(after)
    expect(next?.verifier).toMatchObject({ ask: expect.any(Function) as unknown })
    expect(next?.verifier).not.toBe(first.verifier)
  })

  it('goes from an endpoint to a provider, and back', async () => {
    const endpoint = 'endpoint: "https://auth.example.com/"'
    const { change } = await watch(endpoint)
    expect(await change(JWKS)).toEqual({
      verifier: expect.objectContaining({ label: 'jwt' }) as unknown,
    })
    expect(await change(endpoint)).toEqual({ endpoint: 'https://auth.example.com/' })
  })

  it('keeps the last verifier while the provider is broken', async () => {
    const { first, change, onError, changes } = await watch(JWKS)
    write(JWKS.replace('https', 'http'))
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), { timeout: 5000 })
    expect(changes).toEqual([])
    expect((await change(`${JWKS}, realm: models`))?.verifier).toBe(first.verifier)
  })
})
