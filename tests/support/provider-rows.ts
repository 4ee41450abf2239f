import { expect } from 'vitest'
import { APP_TOKEN, GITHUB_TOKEN, GOOD } from './provider-services.ts'
import type { Sent } from './file-guard.ts'

/** The effect of each key of each type of provider. */

export interface ProviderRow {
  /** The key, such as `jwks.uri`. */
  readonly key: string
  /** The provider in YAML. `URL` is the address of all services. */
  readonly yaml: string
  /** Claims of the JSON Web Token that is sent, unless `sent` has something else. */
  readonly claims?: object
  readonly sent?: Sent
  readonly effect: object
  /** The last request to the services. */
  readonly call?: object
}

type Rows = readonly ProviderRow[]

const SECRET = '0123456789abcdef'
const now = (): number => Math.floor(Date.now() / 1000)

const ALLOWED = { outcome: 'allow' }
const FORBIDDEN = { outcome: 'deny', reason: 'forbidden', status: 403 }
const denied = (detail: string): object => ({ outcome: 'deny', reason: 'denied', detail })
const caller = (auth: object): object => ({ ...ALLOWED, auth })

const JWKS = 'jwks: { uri: "URL/jwks" }, issuer: me'
const OAUTH2: Rows = [
  { key: 'jwks', yaml: JWKS, effect: caller({ principal: 'alice' }), call: { url: '/jwks' } },
  {
    key: 'jwks.uri',
    yaml: 'jwks: { uri: "URL/none" }, issuer: me',
    effect: { reason: 'service_error' },
  },
  {
    key: 'jwks.token',
    yaml: 'jwks: { uri: "URL/jwks", token: s3cret }, issuer: me',
    effect: ALLOWED,
    call: { headers: { authorization: 'Bearer s3cret' } },
  },
  { key: 'issuer', yaml: 'jwks: { uri: "URL/jwks" }, issuer: other', effect: denied('issuer') },
  { key: 'issuer', yaml: 'jwks: { uri: "URL/jwks" }', claims: { iss: 'anybody' }, effect: ALLOWED },
  { key: 'audience', yaml: JWKS, claims: { aud: 'my-api' }, effect: denied('audience') },
  {
    key: 'audience',
    yaml: `${JWKS}, audience: my-api`,
    claims: { aud: 'my-api' },
    effect: ALLOWED,
  },
  { key: 'audience', yaml: `${JWKS}, audience: [a, b]`, claims: { aud: 'b' }, effect: ALLOWED },
  {
    key: 'claims_mapping',
    yaml: JWKS,
    claims: {
      username: 'bob admin',
      groups: ['a'],
      team: 'b',
      project: 'c',
      tenant: 'd',
      namespace: 'e',
    },
    effect: caller({
      attributes: {
        roles: ['alice', 'bob admin'],
        teams: ['a', 'b'],
        projects: ['c'],
        namespaces: ['d', 'e'],
      },
    }),
  },
  {
    key: 'claims_mapping',
    yaml: `${JWKS}, claims_mapping: { "https://x.example/roles": roles, 'a\\.b': teams, c.d: teams }`,
    claims: { 'https://x.example/roles': ['r'], 'a.b': 't', c: { d: ['u'] } },
    effect: caller({ attributes: { roles: ['r'], teams: ['t', 'u'] } }),
  },
  {
    key: 'claims_mapping',
    yaml: `${JWKS}, claims_mapping: {}`,
    effect: caller({ attributes: {} }),
  },
  {
    key: 'principal',
    yaml: `${JWKS}, principal: user.name, claims_mapping: {}`,
    claims: { user: { name: 'bob' } },
    effect: caller({ principal: 'bob' }),
  },
  {
    key: 'tenant_claim',
    yaml: `${JWKS}, tenant_claim: org.id`,
    claims: { org: { id: ['acme'] } },
    effect: caller({ tenant: 'acme' }),
  },
  {
    key: 'expose_claims',
    yaml: `${JWKS}, expose_claims: [plan, missing]`,
    claims: { plan: { seats: 5 } },
    effect: caller({ claims: { plan: { seats: 5 } } }),
  },
  { key: 'algorithms', yaml: `${JWKS}, algorithms: [RS256]`, effect: denied('algorithm') },
  { key: 'types', yaml: `${JWKS}, types: [at+jwt]`, effect: denied('type') },
  {
    key: 'clock_tolerance_seconds',
    yaml: JWKS,
    claims: { exp: now() - 200 },
    effect: denied('expired'),
  },
  {
    key: 'clock_tolerance_seconds',
    yaml: `${JWKS}, clock_tolerance_seconds: 300`,
    claims: { exp: now() - 200 },
    effect: ALLOWED,
  },
  {
    key: 'discovery',
    yaml: 'issuer: URL, discovery: true',
    claims: { iss: 'URL' },
    effect: ALLOWED,
    call: { url: '/jwks' },
  },
  { key: 'verify_tls', yaml: `${JWKS}, verify_tls: true`, effect: ALLOWED },
]

const CLIENT = 'url: "URL/introspect", client_id: me, client_secret: "s:ecret"'
const ASKED: Sent = { token: GOOD }
const INTROSPECTION: Rows = [
  {
    key: 'introspection',
    yaml: `introspection: { ${CLIENT} }`,
    sent: ASKED,
    effect: caller({ principal: 'ally', attributes: { roles: ['ally'], teams: ['red'] } }),
  },
  {
    key: 'introspection.url',
    yaml: `introspection: { ${CLIENT} }`,
    sent: { token: 'other' },
    effect: denied('inactive'),
    call: { url: '/introspect', body: 'token=other' },
  },
  {
    key: 'introspection.client',
    yaml: 'introspection: { url: "URL/introspect", client: none }',
    sent: ASKED,
    effect: ALLOWED,
    call: { body: `token=${GOOD}` },
  },
  ...['client_id', 'client_secret'].map((name) => ({
    key: `introspection.${name}`,
    yaml: `introspection: { ${CLIENT} }`,
    sent: ASKED,
    effect: ALLOWED,
    call: { headers: { authorization: `Basic ${btoa('me:s%3Aecret')}` } },
  })),
  {
    key: 'introspection.send_secret_in_body',
    yaml: `introspection: { ${CLIENT}, send_secret_in_body: true }`,
    sent: ASKED,
    effect: ALLOWED,
    call: { body: `token=${GOOD}&client_id=me&client_secret=s%3Aecret` },
  },
  {
    key: 'audience',
    yaml: `introspection: { ${CLIENT} }, audience: other-api`,
    sent: ASKED,
    effect: denied('audience'),
  },
  {
    key: 'issuer',
    yaml: `introspection: { ${CLIENT} }, issuer: other`,
    sent: ASKED,
    effect: denied('issuer'),
  },
  {
    key: 'principal',
    yaml: `introspection: { ${CLIENT} }, principal: team, claims_mapping: {}`,
    sent: ASKED,
    effect: caller({ principal: 'red' }),
  },
  {
    key: 'tenant_claim',
    yaml: `introspection: { ${CLIENT} }, tenant_claim: org, expose_claims: [team]`,
    sent: ASKED,
    effect: caller({ tenant: 'acme', claims: { team: 'red' } }),
  },
]

const GITHUB_URL = 'github_api_base_url: "URL"'
const GITHUB: Rows = [
  {
    key: 'github_api_base_url',
    yaml: GITHUB_URL,
    sent: { token: GITHUB_TOKEN },
    effect: caller({ principal: 'octocat', attributes: { roles: ['octocat'], teams: ['acme'] } }),
  },
  {
    key: 'client_id',
    yaml: `${GITHUB_URL}, client_id: app, client_secret: s3cret`,
    sent: { token: GITHUB_TOKEN },
    effect: denied('unknown_token'),
  },
  {
    key: 'client_secret',
    yaml: `${GITHUB_URL}, client_id: app, client_secret: s3cret, claims_mapping: {}`,
    sent: { token: APP_TOKEN },
    effect: caller({ principal: 'octocat', clientId: 'app' }),
    call: { headers: { authorization: `Basic ${btoa('app:s3cret')}` } },
  },
  {
    key: 'principal',
    yaml: `${GITHUB_URL}, principal: id`,
    sent: { token: GITHUB_TOKEN },
    effect: caller({ principal: '583231' }),
  },
  {
    key: 'claims_mapping',
    yaml: `${GITHUB_URL}, claims_mapping: { login: github_login }`,
    sent: { token: GITHUB_TOKEN },
    effect: caller({ attributes: { github_login: ['octocat'] } }),
    call: { url: '/user' },
  },
]

const CLUSTER = 'api_server_url: "URL"'
const KUBERNETES: Rows = [
  {
    key: 'api_server_url',
    yaml: CLUSTER,
    sent: ASKED,
    effect: caller({ principal: 'system:serviceaccount:default:robot' }),
    call: { url: '/apis/authentication.k8s.io/v1/selfsubjectreviews' },
  },
  {
    key: 'audiences',
    yaml: `${CLUSTER}, audiences: my-api, reviewer_token_file: FOLDER/token`,
    sent: ASKED,
    effect: ALLOWED,
    call: { body: expect.stringContaining('"audiences":["my-api"]') },
  },
  {
    key: 'reviewer_token_file',
    yaml: `${CLUSTER}, audiences: [my-api], reviewer_token_file: FOLDER/none`,
    sent: ASKED,
    effect: { reason: 'unreachable' },
  },
  {
    key: 'claims_mapping',
    yaml: CLUSTER,
    sent: ASKED,
    effect: caller({
      attributes: {
        roles: ['system:serviceaccount:default:robot', 'system:authenticated', 'builders'],
        namespace: ['default'],
        serviceaccount: ['robot'],
      },
    }),
  },
  {
    key: 'tenant_claim',
    yaml: `${CLUSTER}, tenant_claim: namespace`,
    sent: ASKED,
    effect: caller({ tenant: 'default' }),
  },
  { key: 'verify_tls', yaml: `${CLUSTER}, verify_tls: true`, sent: ASKED, effect: ALLOWED },
]

const NAME = 'principal_header: x-user'
const PROOF = `${NAME}, trusted_proxy_secret_header: x-proof, trusted_proxy_secret: ${SECRET}`
const from = (headers: object, address?: string): Sent => ({
  headers: { 'x-user': 'bob', ...headers },
  ...(address === undefined ? {} : { from: address }),
})
const proven = (headers: object = {}): Sent => from({ 'x-proof': SECRET, ...headers })
const UPSTREAM: Rows = [
  { key: 'principal_header', yaml: PROOF, sent: proven(), effect: caller({ principal: 'bob' }) },
  {
    key: 'tenant_header',
    yaml: `${PROOF}, tenant_header: x-org`,
    sent: proven({ 'x-org': 'acme' }),
    effect: caller({ tenant: 'acme' }),
  },
  {
    key: 'attributes_header',
    yaml: `${PROOF}, attributes_header: x-facts`,
    sent: proven({ 'x-facts': '{"roles":["admin"]}' }),
    effect: caller({ attributes: { roles: ['admin'] } }),
  },
  {
    key: 'scopes_header',
    yaml: `${PROOF}, scopes_header: x-scopes`,
    sent: proven({ 'x-scopes': 'notes:read notes:write' }),
    effect: caller({ scopes: ['notes:read', 'notes:write'] }),
  },
  {
    key: 'client_header',
    yaml: `${PROOF}, client_header: x-app`,
    sent: proven({ 'x-app': 'notes' }),
    effect: caller({ clientId: 'notes' }),
  },
  {
    key: 'attribute_headers',
    yaml: `${PROOF}, attribute_headers: { X-Groups: { attribute: teams, separator: "," }, X-Role: roles, X-Json: { attribute: teams, json: true } }`,
    sent: proven({ 'x-groups': 'a,b', 'x-role': '["a"]', 'x-json': '["c"]' }),
    effect: caller({ attributes: { teams: ['a', 'b', 'c'], roles: ['["a"]'] } }),
  },
  { key: 'trusted_proxy_secret_header', yaml: PROOF, sent: from({}), effect: FORBIDDEN },
  {
    key: 'trusted_proxy_secret',
    yaml: `${NAME}, trusted_proxy_secret_header: x-proof, trusted_proxy_secret: [fedcba9876543210, ${SECRET}]`,
    sent: proven(),
    effect: ALLOWED,
  },
  {
    key: 'trusted_proxy_signature_header',
    yaml: `${NAME}, trusted_proxy_signature_header: x-sig, trusted_proxy_secret: ${SECRET}`,
    sent: from({ 'x-sig': `t=${now()},v1=${'0'.repeat(64)}` }),
    effect: { ...FORBIDDEN, detail: 'proof' },
  },
  {
    key: 'trusted_proxy_cidrs',
    yaml: `${NAME}, trusted_proxy_cidrs: [10.0.0.0/8, "fd00::/8"]`,
    sent: from({}, '10.1.2.3'),
    effect: ALLOWED,
  },
  {
    key: 'trusted_proxy_cidrs',
    yaml: `${NAME}, trusted_proxy_cidrs: [10.0.0.0/8]`,
    sent: from({ 'x-forwarded-for': '10.1.2.3' }, '192.0.2.1'),
    effect: { ...FORBIDDEN, detail: 'address' },
  },
  {
    key: 'trusted_network',
    yaml: `${NAME}, trusted_network: true`,
    sent: from({}),
    effect: ALLOWED,
  },
]

const LOCAL: Rows = [
  {
    key: 'api_keys',
    yaml: 'api_keys: [first, "${env.NO_SUCH_KEY:=}", 0123]',
    sent: { token: '0123' },
    effect: caller({
      principal: 'key-3',
      attributes: { roles: ['admin', 'owner'], teams: ['key-3'] },
    }),
  },
  {
    key: 'api_keys',
    yaml: 'api_keys: [first]',
    sent: { token: 'firs' },
    effect: denied('unknown_token'),
  },
]

const API_KEYS: Rows = [
  {
    key: 'file',
    yaml: 'file: "FOLDER/keys.yaml"',
    sent: { token: 'good' },
    effect: caller({ principal: 'alice', attributes: { roles: ['admin'] }, tenant: 'acme' }),
  },
  {
    key: 'file',
    yaml: 'file: "FOLDER/keys.yaml"',
    sent: { token: 'revoked' },
    effect: denied('revoked'),
  },
]

const CUSTOM: Rows = [
  {
    key: 'endpoint',
    yaml: 'endpoint: "URL/validate"',
    sent: ASKED,
    effect: caller({ principal: 'carol' }),
  },
  {
    key: 'endpoint_headers',
    yaml: 'endpoint: "URL/validate", endpoint_headers: { x-auth-secret: s3cret }',
    sent: ASKED,
    effect: ALLOWED,
    call: { headers: { 'x-auth-secret': 's3cret' } },
  },
  {
    key: 'tenant_field',
    yaml: 'endpoint: "URL/validate", tenant_field: org.id',
    sent: ASKED,
    effect: caller({ tenant: 'acme' }),
  },
]

/** By type. `endpoint` is asked by a member of `providers`. */
export const PROVIDER_ROWS: Readonly<Record<string, Rows>> = {
  custom: CUSTOM,
  oauth2_token: [...OAUTH2, ...INTROSPECTION],
  github_token: GITHUB,
  kubernetes: KUBERNETES,
  upstream_header: UPSTREAM,
  local_api_key: LOCAL,
  api_keys: API_KEYS,
}
