import { describe, expect, it } from 'vitest'
import { jwt } from '../../../src/jwt.ts'
import { parseConfig } from '../../../src/yaml.ts'
import { linesOf, problemsOf } from '../problems.ts'
import type { AuthConfig } from '../../../src/index.ts'

/** Forms of `server.auth` that older servers had. */

const AUTH = 'https://auth.example.com/validate'
const URI = 'https://login.example.com/jwks'
const CLIENT = 'url: "https://login.example.com/i", client_id: a, client_secret: b'
const SIGNED =
  'trusted_proxy_signature_header: x-auth-signature, trusted_proxy_secret: 0123456789abcdef0123456789abcdef'

function read(auth: string): AuthConfig {
  return parseConfig(`server: { auth: { ${auth} } }`, { jwt })
}

/** The options of a file. A verifier is told by its keys. */
function told(auth: string): object {
  const { verifier, ...options } = read(auth)
  return { ...options, ...verifier?.describe?.() }
}

describe('an older form', () => {
  it.each([
    [
      'endpoint, which needs no principal,',
      `endpoint: "${AUTH}", identity: required`,
      `provider_config: { type: custom, endpoint: "${AUTH}" }`,
    ],
    [
      'provider_type custom',
      `provider_type: custom, config: { endpoint: "${AUTH}" }`,
      `endpoint: "${AUTH}"`,
    ],
    [
      'tenant_field',
      `provider_config: { type: custom, endpoint: "${AUTH}", tenant_field: org }`,
      `endpoint: "${AUTH}", tenant_field: org, identity: required`,
    ],
    [
      'provider_type oauth2_token',
      `provider_type: oauth2_token, config: { jwks: { uri: "${URI}" }, audience: a, verify_tls: true }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}" }, audience: a }`,
    ],
    [
      'jwks_uri and cache_ttl below config',
      `provider_type: oauth2_token, config: { jwks_uri: "${URI}", cache_ttl: 600, audience: a }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}", key_recheck_period: 600 }, audience: a }`,
    ],
    [
      'jwks_uri beside jwks.token',
      `provider_config: { type: oauth2_token, jwks_uri: "${URI}", jwks: { token: t }, audience: a }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}", token: t }, audience: a }`,
    ],
    [
      'jwks.cache_ttl',
      `config: { jwks: { uri: "${URI}", cache_ttl: 60 }, audience: a }, provider_type: oauth2_token`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}", key_recheck_period: 60 }, audience: a }`,
    ],
    [
      'introspection',
      `provider_type: oauth2_token, config: { introspection: { ${CLIENT} } }`,
      `provider_config: { type: oauth2_token, introspection: { ${CLIENT} } }`,
    ],
    [
      'the default audience of an older server',
      `provider_type: oauth2_token, config: { jwks: { uri: "${URI}" } }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}" }, audience: llama-stack }`,
    ],
    [
      'the default audience',
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}" } }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}" }, audience: ogx }`,
    ],
    [
      'the default headers beside a signature',
      `provider_config: { type: upstream_header, principal_header: x-auth-principal, ${SIGNED} }`,
      `provider_config: { type: upstream_header, principal_header: x-auth-principal, ${SIGNED}, tenant_header: x-auth-tenant, attributes_header: x-auth-attributes, scopes_header: x-auth-scopes, client_header: x-auth-client }`,
    ],
    [
      'kubernetes',
      'provider_type: kubernetes, config: { api_server_url: "https://k8s" }',
      'provider_config: { type: kubernetes, api_server_url: "https://k8s" }',
    ],
    [
      'null for what is left out',
      `endpoint: null, providers: ~, provider_config: { type: oauth2_token, issuer: null, jwks: { uri: "${URI}", token: }, introspection: ~, tls_cafile: }`,
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}" } }`,
    ],
  ])('%s is read as the form of today', (_, older, newer) => {
    expect(told(older)).toEqual(told(newer))
  })

  it('of kubernetes warns of the roles that it gives', () => {
    const { verifier } = read(
      'provider_type: kubernetes, config: { api_server_url: "https://k8s" }',
    )
    expect(verifier?.warnings).toEqual([
      expect.stringMatching(/^"server.auth.config.audiences" is missing: .* groups .* roles/),
      expect.stringMatching(/^"server.auth.route_policy" is missing: /),
    ])
  })

  const both = (later: string, first: string, what = 'mean the same'): string =>
    `"server.auth.${later}" and "server.auth.${first}" both ${what}: remove one of them`
  const twice = (later: string, first: string): string =>
    both(later, first, 'say how callers are checked')
  it.each([
    [
      `endpoint: "${AUTH}", providers: [{ type: custom, endpoint: "${AUTH}" }]`,
      twice('providers', 'endpoint'),
    ],
    [
      `provider_config: { type: kubernetes }, provider_type: kubernetes, config: {}`,
      twice('provider_type', 'provider_config'),
    ],
    [
      `config: { endpoint: "${AUTH}" }, provider_type: custom, endpoint: "${AUTH}"`,
      twice('endpoint', 'provider_type'),
    ],
    [
      `tenant_field: a, provider_config: { type: custom, endpoint: "${AUTH}", tenant_field: b }`,
      both('provider_config.tenant_field', 'tenant_field'),
    ],
    [
      `tenant_field: a, provider_type: custom, config: { endpoint: "${AUTH}", tenant_field: b }`,
      both('config.tenant_field', 'tenant_field'),
    ],
    [
      `provider_config: { type: oauth2_token, jwks_uri: "${URI}", jwks: 5 }`,
      '"server.auth.provider_config.jwks" must be a mapping, received 5',
    ],
    [
      `provider_config: { type: oauth2_token, jwks: { uri: "${URI}", key_recheck_period: 60, cache_ttl: 60 } }`,
      both('provider_config.jwks.cache_ttl', 'provider_config.jwks.key_recheck_period'),
    ],
    [
      `provider_config: { type: oauth2_token, jwks_uri: "${URI}", jwks: { uri: "${URI}" } }`,
      both('provider_config.jwks.uri', 'provider_config.jwks_uri'),
    ],
    [
      `provider_config: { type: oauth2_token, cache_ttl: 60, jwks: { uri: "${URI}", cache_ttl: 60 } }`,
      both('provider_config.jwks.cache_ttl', 'provider_config.cache_ttl'),
    ],
    [
      'provider_config: { type: kubernetes, ca_cert_path: a, tls_cafile: b }',
      both('provider_config.tls_cafile', 'provider_config.ca_cert_path'),
    ],
    [
      `provider_config: { type: oauth2_token, introspection: { ${CLIENT}, tls_cafile: a }, tls_cafile: b }`,
      both('provider_config.tls_cafile', 'provider_config.introspection.tls_cafile'),
    ],
    [
      'provider_type: kubernetes',
      '"server.auth.provider_type" needs "server.auth.config". Better write provider_config: { type: ..., ... }, which has both',
    ],
    [
      'config: { api_server_url: "https://k8s" }',
      '"server.auth.config" needs "server.auth.provider_type". Better write provider_config: { type: ..., ... }, which has both',
    ],
    [
      `provider_type: kubernetes, config: { type: kubernetes }`,
      'Unknown option "server.auth.config.type"',
    ],
  ])('is refused beside its other form: %s', (auth, message) => {
    const [problem] = problemsOf(`server: { auth: { ${auth} } }`)
    expect(problem?.message).toContain(message)
  })

  it.each([
    `introspection: { ${CLIENT}, tls_cafile: a }, introspection: { ${CLIENT} }`,
    `jwks: { uri: "${URI}", cache_ttl: 70 }, cache_ttl: 60, jwks: { uri: "${URI}" }`,
    `jwks: { uri: "${URI}", key_recheck_period: 70 }, cache_ttl: 60, jwks: { uri: "${URI}" }`,
  ])('brings no second problem within a repeated key: %s', (keys) => {
    const found = problemsOf(
      `server: { auth: { provider_config: { type: oauth2_token, ${keys} } } }`,
    )
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining('is a repeated key: remove one of them'),
    ])
  })

  it('is named as it is written, at its place', () => {
    const text = `server:\n  auth:\n    provider_type: oauth2_token\n    config:\n      jwks_uri: http://a.example/\n      cache_ttl: 5\n`
    const found = problemsOf(text).map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    )
    expect(found).toEqual([
      '5:17 "server.auth.config.jwks_uri" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://a.example/"',
      '6:18 "server.auth.config.cache_ttl" must be a whole number of seconds from 60 to 86400, received 5',
    ])
    expect(linesOf(text.replace(/ +jwks_uri.*\n/, ''))).toEqual([
      '5:18 "server.auth.config.jwks.uri" must be an absolute https URL, received undefined | cache_ttl: *',
      '5:18 "server.auth.config.cache_ttl" must be a whole number of seconds from 60 to 86400, received 5 | cache_ttl: 5',
    ])
    const second = text.replace('ttl: 5', 'ttl: 500')
    expect(() => parseConfig(second, { jwt })).toThrow(
      '"server.auth.config.jwks_uri" must be an https URL (http only on loopback, or with "allow_insecure_http")',
    )
  })
})
