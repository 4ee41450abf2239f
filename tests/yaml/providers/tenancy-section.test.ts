import { describe, expect, it } from 'vitest'
import { parseVerifier } from '../../../src/core/config/verifier.ts'
import { parseConfig } from '../../../src/yaml.ts'
import { problemsOf } from '../problems.ts'

/** `server.tenancy` of a run.yaml. */

const KUBERNETES = 'provider_config: { type: kubernetes, tenant_claim: namespace }'
const KEYS = '{ type: local_api_key, api_keys: [a] }'
const PROXY = '{ type: upstream_header, principal_header: x-a, trusted_network: true }'
const OF_TENANTS =
  '{ type: upstream_header, principal_header: x-a, tenant_header: x-b, trusted_network: true }'
const CLAIMED =
  '{ type: oauth2_token, introspection: { url: "https://a.example/", client_id: a, client_secret: b }, tenant_claim: org }'
const SIGNED =
  '{ type: upstream_header, principal_header: x-a, trusted_proxy_signature_header: x-s, trusted_proxy_secret: 0123456789abcdef }'

describe('server.tenancy', () => {
  const tenancy = (yaml: string, auth = KUBERNETES): string =>
    `server: { tenancy: ${yaml}, auth: { ${auth} } }`

  it.each<[yaml: string, auth: string | undefined, tenant: unknown]>([
    ['{ mode: multi }', undefined, { mode: 'multi' }],
    ['{ mode: multi, default_tenant_id: acme }', undefined, { mode: 'multi' }],
    ['{ mode: single, default_tenant_id: acme }', undefined, { mode: 'single', default: 'acme' }],
    ['{ mode: disabled }', undefined, undefined],
    ['{ default_tenant_id: acme }', undefined, undefined],
    ['{ mode: null }', undefined, undefined],
    ['~', undefined, undefined],
    ['{ mode: multi }', 'endpoint: "https://a.example/"', { mode: 'multi' }],
    ['{ mode: multi }', `provider_config: ${OF_TENANTS}`, { mode: 'multi' }],
    ['{ mode: multi }', `provider_config: ${CLAIMED}`, { mode: 'multi' }],
    ['{ mode: multi }', `provider_config: ${SIGNED}`, { mode: 'multi' }],
    [
      '{ mode: disabled }',
      'endpoint: "https://a.example/", tenant: { mode: multi }',
      { mode: 'multi' },
    ],
  ])('%s beside %s is the option tenant: %j', (yaml, auth, tenant) => {
    const { verifier } = parseConfig(tenancy(yaml, auth))
    const described = verifier === undefined ? {} : parseVerifier(verifier, []).describe()
    expect(described).toMatchObject(tenant === undefined ? {} : { tenant })
    expect('tenant' in described).toBe(tenant !== undefined)
  })

  it.each([
    [
      '{ mode: single }',
      undefined,
      '"server.tenancy.default_tenant_id" is missing: "single" gives it to every caller',
    ],
    ['{ mod: multi }', undefined, 'Unknown option "server.tenancy.mod": did you mean "mode"?'],
    [
      '{ mode: multi }',
      'endpoint: "https://a.example/", tenant: false',
      '"server.auth.tenant" and "server.tenancy" both set the tenant: remove one of them',
    ],
    [
      '{ mode: multi }',
      'provider_config: { type: kubernetes }',
      '"server.auth.provider_config" gives no tenant, and "multi" needs one: set "tenant_claim"',
    ],
    [
      '{ mode: multi }',
      `providers: [${KEYS}]`,
      '"server.auth.providers[0]" gives no tenant, and "multi" needs one: keys have none. Set another mode',
    ],
    [
      '{ mode: multi }',
      `provider_config: ${PROXY}`,
      '"server.auth.provider_config" gives no tenant, and "multi" needs one: set "tenant_header"',
    ],
    [
      '{ mode: multi }',
      'provider_config: { type: oauth2_token, jwks: { uri: "https://a.example/" } }',
      '"server.auth.provider_config" gives no tenant, and "multi" needs one: set "tenant_claim"',
    ],
    [
      '{ mode: disabled }',
      'provider_config: { type: github_token }, tenant: { mode: multi }',
      '"server.auth.provider_config" gives no tenant, and "multi" needs one: GitHub has none. Set another mode',
    ],
    [
      '{ mode: multi }',
      'provider_config: { type: kubernetes, tenant_claim: "${env.NO}" }',
      '"server.auth.provider_config.tenant_claim": Environment variable "NO" is not set, or empty: set it, write ${env.NO:=default}, or ${env.NO:+value} to leave the key out when it is not set',
    ],
    ['multi', undefined, '"server.tenancy" must be a mapping with a "mode"'],
    [
      '{ mode: dual }',
      'endpoint: "https://a.example/", tenant: { mode: multi }',
      '"server.tenancy.mode" must be "disabled" or "single" or "multi", received "dual"',
    ],
    [
      '{ mode: single, default_tenant_id: "Ac me" }',
      undefined,
      '"server.tenancy.default_tenant_id" must be 1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit, received "Ac me"',
    ],
  ])('%s beside %s: %s', (yaml, auth, message) => {
    const found = problemsOf(tenancy(yaml, auth))
    expect(found.map((problem) => problem.message)).toEqual([message])
  })
})

describe('an endpoint with a tenant', () => {
  const TENANT = 'tenant: { mode: single, default: acme }'
  const verifierOf = (auth: string) =>
    parseConfig(`server: { auth: { endpoint: "https://a.example/?k=hunter", ${auth} } }`).verifier

  it.each([
    [TENANT, { allow_insecure_http: false, tenant_field: 'tenant' }],
    [
      `${TENANT}, endpoint_headers: { x-key: hunter }, allow_insecure_http: true, tenant_field: org`,
      {
        allow_insecure_http: true,
        tenant_field: 'org',
        endpoint_headers: { 'x-key': '[redacted]' },
      },
    ],
  ])('is described by its keys, without secrets: %s', (auth, described) => {
    const tenant = { mode: 'single', default: 'acme' }
    expect(verifierOf(auth)?.describe?.()).toEqual({
      endpoint: 'https://a.example/?***',
      ...described,
      tenant,
    })
  })

  it('has no label, so events do not name a verifier', () => {
    expect(verifierOf(TENANT)?.label).toBeUndefined()
  })

  it('shares its decisions with the same endpoint, and with no other', () => {
    const header = (value: string): string => `${TENANT}, endpoint_headers: { x-key: ${value} }`
    const ids = [TENANT, TENANT, header('a'), header('b')].map((auth) => verifierOf(auth)?.id)
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(3)
  })
})
