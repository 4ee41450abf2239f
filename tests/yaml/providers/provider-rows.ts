import { expect } from 'vitest'
import { APP_TOKEN, GITHUB_TOKEN, GOOD } from '../../support/provider-services.ts'
import type { Sent } from '../../support/guarded-verifier.ts'

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
type Rest = Pick<ProviderRow, 'claims' | 'sent' | 'call'>

const row = (key: string, yaml: string, effect: object, rest: Rest = {}): ProviderRow => ({
  key,
  yaml,
  effect,
  ...rest,
})

/** Rows in which the same is sent, unless they say otherwise. */
const rowsBy =
  (sent: Sent) =>
  (key: string, yaml: string, effect: object, rest: Rest = {}): ProviderRow =>
    row(key, yaml, effect, { sent, ...rest })

const SECRET = '0123456789abcdef'
const now = (): number => Math.floor(Date.now() / 1000)

const ALLOWED = { outcome: 'allow' }
const FORBIDDEN = { outcome: 'deny', reason: 'forbidden', status: 403 }
const denied = (detail: string): object => ({ outcome: 'deny', reason: 'denied', detail })
const caller = (auth: object): object => ({ ...ALLOWED, auth })

const JWKS = 'jwks: { uri: "URL/jwks" }, issuer: me'
const OAUTH2: Rows = [
  row('jwks', JWKS, caller({ principal: 'alice' }), { call: { url: '/jwks' } }),
  row('jwks.uri', 'jwks: { uri: "URL/none" }, issuer: me', { reason: 'service_error' }),
  row('jwks.token', 'jwks: { uri: "URL/jwks", token: s3cret }, issuer: me', ALLOWED, {
    call: { headers: { authorization: 'Bearer s3cret' } },
  }),
  row('issuer', 'jwks: { uri: "URL/jwks" }, issuer: other', denied('issuer')),
  row('issuer', 'jwks: { uri: "URL/jwks" }', ALLOWED, { claims: { iss: 'anybody' } }),
  row('audience', JWKS, denied('audience'), { claims: { aud: 'my-api' } }),
  row('audience', `${JWKS}, audience: my-api`, ALLOWED, { claims: { aud: 'my-api' } }),
  row('audience', `${JWKS}, audience: [a, b]`, ALLOWED, { claims: { aud: 'b' } }),
  row(
    'claims_mapping',
    JWKS,
    caller({
      attributes: {
        roles: ['alice', 'bob admin'],
        teams: ['a', 'b'],
        projects: ['c'],
        namespaces: ['d', 'e'],
      },
    }),
    {
      claims: {
        username: 'bob admin',
        groups: ['a'],
        team: 'b',
        project: 'c',
        tenant: 'd',
        namespace: 'e',
      },
    },
  ),
  row(
    'claims_mapping',
    `${JWKS}, claims_mapping: { "https://x.example/roles": roles, 'a\\.b': teams, c.d: teams }`,
    caller({ attributes: { roles: ['r'], teams: ['t', 'u'] } }),
    { claims: { 'https://x.example/roles': ['r'], 'a.b': 't', c: { d: ['u'] } } },
  ),
  row('claims_mapping', `${JWKS}, claims_mapping: {}`, caller({ attributes: {} })),
  row(
    'principal',
    `${JWKS}, principal: user.name, claims_mapping: {}`,
    caller({ principal: 'bob' }),
    { claims: { user: { name: 'bob' } } },
  ),
  row('tenant_claim', `${JWKS}, tenant_claim: org.id`, caller({ tenant: 'acme' }), {
    claims: { org: { id: ['acme'] } },
  }),
  row(
    'expose_claims',
    `${JWKS}, expose_claims: [plan, missing]`,
    caller({ claims: { plan: { seats: 5 } } }),
    { claims: { plan: { seats: 5 } } },
  ),
  row('algorithms', `${JWKS}, algorithms: [RS256]`, denied('algorithm')),
  row('types', `${JWKS}, types: [at+jwt]`, denied('type')),
  row('clock_tolerance_seconds', JWKS, denied('expired'), { claims: { exp: now() - 200 } }),
  row('clock_tolerance_seconds', `${JWKS}, clock_tolerance_seconds: 300`, ALLOWED, {
    claims: { exp: now() - 200 },
  }),
  row('discovery', 'issuer: URL, discovery: true', ALLOWED, {
    claims: { iss: 'URL' },
    call: { url: '/jwks' },
  }),
  row('verify_tls', `${JWKS}, verify_tls: true`, ALLOWED),
]

const CLIENT = 'url: "URL/introspect", client_id: me, client_secret: "s:ecret"'
const AS_ME = `introspection: { ${CLIENT} }`
const asked = rowsBy({ token: GOOD })
const INTROSPECTION: Rows = [
  asked(
    'introspection',
    AS_ME,
    caller({ principal: 'ally', attributes: { roles: ['ally'], teams: ['red'] } }),
  ),
  asked('introspection.url', AS_ME, denied('inactive'), {
    sent: { token: 'other' },
    call: { url: '/introspect', body: 'token=other' },
  }),
  asked('introspection.client', 'introspection: { url: "URL/introspect", client: none }', ALLOWED, {
    call: { body: `token=${GOOD}` },
  }),
  ...['client_id', 'client_secret'].map((name) =>
    asked(`introspection.${name}`, AS_ME, ALLOWED, {
      call: { headers: { authorization: `Basic ${btoa('me:s%3Aecret')}` } },
    }),
  ),
  asked(
    'introspection.send_secret_in_body',
    `introspection: { ${CLIENT}, send_secret_in_body: true }`,
    ALLOWED,
    { call: { body: `token=${GOOD}&client_id=me&client_secret=s%3Aecret` } },
  ),
  asked('audience', `${AS_ME}, audience: other-api`, denied('audience')),
  asked('issuer', `${AS_ME}, issuer: other`, denied('issuer')),
  asked('principal', `${AS_ME}, principal: team, claims_mapping: {}`, caller({ principal: 'red' })),
  asked(
    'tenant_claim',
    `${AS_ME}, tenant_claim: org, expose_claims: [team]`,
    caller({ tenant: 'acme', claims: { team: 'red' } }),
  ),
]

const GITHUB_URL = 'github_api_base_url: "URL"'
const personal = rowsBy({ token: GITHUB_TOKEN })
const GITHUB: Rows = [
  personal(
    'github_api_base_url',
    GITHUB_URL,
    caller({ principal: 'octocat', attributes: { roles: ['octocat'], teams: ['acme'] } }),
  ),
  personal(
    'client_id',
    `${GITHUB_URL}, client_id: app, client_secret: s3cret`,
    denied('unknown_token'),
  ),
  personal(
    'client_secret',
    `${GITHUB_URL}, client_id: app, client_secret: s3cret, claims_mapping: {}`,
    caller({ principal: 'octocat', clientId: 'app' }),
    {
      sent: { token: APP_TOKEN },
      call: { headers: { authorization: `Basic ${btoa('app:s3cret')}` } },
    },
  ),
  personal('principal', `${GITHUB_URL}, principal: id`, caller({ principal: '583231' })),
  personal(
    'claims_mapping',
    `${GITHUB_URL}, claims_mapping: { login: github_login }`,
    caller({ attributes: { github_login: ['octocat'] } }),
    { call: { url: '/user' } },
  ),
]

const CLUSTER = 'api_server_url: "URL"'
const KUBERNETES: Rows = [
  asked('api_server_url', CLUSTER, caller({ principal: 'system:serviceaccount:default:robot' }), {
    call: { url: '/apis/authentication.k8s.io/v1/selfsubjectreviews' },
  }),
  asked('audiences', `${CLUSTER}, audiences: my-api, reviewer_token_file: FOLDER/token`, ALLOWED, {
    call: { body: expect.stringContaining('"audiences":["my-api"]') },
  }),
  asked(
    'reviewer_token_file',
    `${CLUSTER}, audiences: [my-api], reviewer_token_file: FOLDER/none`,
    { reason: 'unreachable' },
  ),
  asked(
    'claims_mapping',
    CLUSTER,
    caller({
      attributes: {
        roles: ['system:serviceaccount:default:robot', 'system:authenticated', 'builders'],
        namespace: ['default'],
        serviceaccount: ['robot'],
      },
    }),
  ),
  asked('tenant_claim', `${CLUSTER}, tenant_claim: namespace`, caller({ tenant: 'default' })),
  asked('verify_tls', `${CLUSTER}, verify_tls: true`, ALLOWED),
]

const NAME = 'principal_header: x-user'
const PROOF = `${NAME}, trusted_proxy_secret_header: x-proof, trusted_proxy_secret: ${SECRET}`
const from = (headers: object, address?: string): Sent => ({
  headers: { 'x-user': 'bob', ...headers },
  ...(address === undefined ? {} : { from: address }),
})
const proven = (headers: object = {}): Sent => from({ 'x-proof': SECRET, ...headers })
const proxied = rowsBy(proven())
const UPSTREAM: Rows = [
  proxied('principal_header', PROOF, caller({ principal: 'bob' })),
  proxied('tenant_header', `${PROOF}, tenant_header: x-org`, caller({ tenant: 'acme' }), {
    sent: proven({ 'x-org': 'acme' }),
  }),
  proxied(
    'attributes_header',
    `${PROOF}, attributes_header: x-facts`,
    caller({ attributes: { roles: ['admin'] } }),
    { sent: proven({ 'x-facts': '{"roles":["admin"]}' }) },
  ),
  proxied(
    'scopes_header',
    `${PROOF}, scopes_header: x-scopes`,
    caller({ scopes: ['notes:read', 'notes:write'] }),
    { sent: proven({ 'x-scopes': 'notes:read notes:write' }) },
  ),
  proxied('client_header', `${PROOF}, client_header: x-app`, caller({ clientId: 'notes' }), {
    sent: proven({ 'x-app': 'notes' }),
  }),
  proxied(
    'attribute_headers',
    `${PROOF}, attribute_headers: { X-Groups: { attribute: teams, separator: "," }, X-Role: roles, X-Json: { attribute: teams, json: true } }`,
    caller({ attributes: { teams: ['a', 'b', 'c'], roles: ['["a"]'] } }),
    { sent: proven({ 'x-groups': 'a,b', 'x-role': '["a"]', 'x-json': '["c"]' }) },
  ),
  row('trusted_proxy_secret_header', PROOF, FORBIDDEN, { sent: from({}) }),
  proxied(
    'trusted_proxy_secret',
    `${NAME}, trusted_proxy_secret_header: x-proof, trusted_proxy_secret: [fedcba9876543210, ${SECRET}]`,
    ALLOWED,
  ),
  row(
    'trusted_proxy_signature_header',
    `${NAME}, trusted_proxy_signature_header: x-sig, trusted_proxy_secret: ${SECRET}`,
    { ...FORBIDDEN, detail: 'proof' },
    { sent: from({ 'x-sig': `t=${now()},v1=${'0'.repeat(64)}` }) },
  ),
  row('trusted_proxy_cidrs', `${NAME}, trusted_proxy_cidrs: [10.0.0.0/8, "fd00::/8"]`, ALLOWED, {
    sent: from({}, '10.1.2.3'),
  }),
  row(
    'trusted_proxy_cidrs',
    `${NAME}, trusted_proxy_cidrs: [10.0.0.0/8]`,
    { ...FORBIDDEN, detail: 'address' },
    { sent: from({ 'x-forwarded-for': '10.1.2.3' }, '192.0.2.1') },
  ),
  row('trusted_network', `${NAME}, trusted_network: true`, ALLOWED, { sent: from({}) }),
]

const LOCAL: Rows = [
  row(
    'api_keys',
    'api_keys: [first, "${env.NO_SUCH_KEY:=}", 0123]',
    caller({ principal: 'key-3', attributes: { roles: ['admin', 'owner'], teams: ['key-3'] } }),
    { sent: { token: '0123' } },
  ),
  row('api_keys', 'api_keys: [first]', denied('unknown_token'), { sent: { token: 'firs' } }),
]

const API_KEYS: Rows = [
  row(
    'file',
    'file: "FOLDER/keys.yaml"',
    caller({ principal: 'alice', attributes: { roles: ['admin'] }, tenant: 'acme' }),
    { sent: { token: 'good' } },
  ),
  row('file', 'file: "FOLDER/keys.yaml"', denied('revoked'), { sent: { token: 'revoked' } }),
]

const CUSTOM: Rows = [
  asked('endpoint', 'endpoint: "URL/validate"', caller({ principal: 'carol' })),
  asked(
    'endpoint_headers',
    'endpoint: "URL/validate", endpoint_headers: { x-auth-secret: s3cret }',
    ALLOWED,
    { call: { headers: { 'x-auth-secret': 's3cret' } } },
  ),
  asked(
    'tenant_field',
    'endpoint: "URL/validate", tenant_field: org.id',
    caller({ tenant: 'acme' }),
  ),
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
