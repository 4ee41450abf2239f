import { describe, expect, it } from 'vitest'
import { problemsOf } from './problems.ts'

/** No problem of a file hides another one: whoever corrects all of them gets no new ones. */

type Part = Readonly<Record<string, unknown>>

const SECRET = '0123456789abcdef'

/** For each provider the right keys, and wrong ones of which each is one problem. */
const PROVIDERS: Readonly<
  Record<string, { readonly right: Part; readonly wrong: readonly Part[] }>
> = {
  'oauth2_token with jwks': {
    right: { type: 'oauth2_token', jwks: { uri: 'https://a.example/' } },
    wrong: [
      { jwks: { uri: 'http://a.example/' } },
      { jwks: { token: [] } },
      { jwks: { key_recheck_period: 5 } },
      { issuer: '' },
      { audience: '' },
      { verify_tls: false },
      { claims_mapping: { a: '' } },
      { claims_mapping: 5 },
      { tenant_claim: [] },
      { expose_claims: 5 },
      { algorithms: ['HS256'] },
      { types: [] },
      { clock_tolerance_seconds: 1e6 },
      { keys_max_stale_seconds: -1 },
      { tls_cafile: 'ca.pem' },
      { discovery: true },
      { discovery: 'maybe' },
      { more: 1 },
    ],
  },
  'oauth2_token with discovery': {
    right: { type: 'oauth2_token', discovery: true, issuer: 'https://a.example' },
    wrong: [
      { issuer: 'http://a.example' },
      { audience: [] },
      { verify_tls: false },
      { algorithms: ['none'] },
      { discovery: 'maybe' },
    ],
  },
  'oauth2_token with introspection': {
    right: {
      type: 'oauth2_token',
      introspection: { url: 'https://a.example/', client_id: 'a', client_secret: 'b' },
    },
    wrong: [
      { introspection: { url: 'http://a.example/' } },
      { introspection: { client_id: '' } },
      { introspection: { client_secret: null } },
      { introspection: { send_secret_in_body: 5 } },
      { discovery: 'maybe' },
      { audience: '' },
      { claims_mapping: 5 },
      { types: ['JWT'] },
      { clock_tolerance_seconds: 5 },
      { verify_tls: false },
    ],
  },
  github_token: {
    right: { type: 'github_token', client_id: 'a', client_secret: 'b' },
    wrong: [
      { github_api_base_url: 'http://a.example/' },
      { client_id: null },
      { client_secret: '' },
      { principal: 'name' },
      { claims_mapping: { '': 'a' } },
    ],
  },
  kubernetes: {
    right: { type: 'kubernetes' },
    wrong: [
      { api_server_url: 'http://a.example/' },
      { audiences: '' },
      { audiences: 'a', reviewer_token_file: 'file' },
      { reviewer_token_file: [] },
      { claims_mapping: 5 },
      { tenant_claim: '' },
      { verify_tls: 'no' },
      { tls_cafile: 'ca.pem' },
    ],
  },
  upstream_header: {
    right: {
      type: 'upstream_header',
      principal_header: 'x-user',
      trusted_proxy_secret_header: 'x-proof',
      trusted_proxy_secret: SECRET,
    },
    wrong: [
      { principal_header: 'cookie' },
      { tenant_header: 'x-org', attributes_header: 'x_org' },
      { attributes_header: 'a b' },
      { scopes_header: 'cookie' },
      { client_header: 'a b' },
      { attribute_headers: { 'x-a': '' } },
      { attribute_headers: 5 },
      { attribute_headers: { 'x-a': { attribute: 'a', separator: '' } } },
      { attribute_headers: { 'x-a': { attribute: 'a' } } },
      { attribute_headers: { 'x-a': { attribute: 'a', json: false } } },
      { trusted_proxy_secret_header: 'cookie' },
      { trusted_proxy_secret: 'short' },
      { trusted_proxy_cidrs: ['10.0.0.0/8'] },
      { trusted_network: 'maybe' },
    ],
  },
  'upstream_header with a signature': {
    right: {
      type: 'upstream_header',
      principal_header: 'x-user',
      trusted_proxy_signature_header: 'x-proof',
      trusted_proxy_secret: SECRET,
    },
    wrong: [
      { attribute_headers: { 'x-a': 'b' } },
      { trusted_proxy_secret: [] },
      { trusted_proxy_signature_header: 'a b' },
    ],
  },
  local_api_key: {
    right: { type: 'local_api_key', api_keys: ['a'] },
    wrong: [{ api_keys: ['a', 'a'] }, { more: 1 }],
  },
  custom: {
    right: { type: 'custom', endpoint: 'https://a.example/' },
    wrong: [
      { endpoint: 'http://a.example/' },
      { endpoint_headers: { 'a b': 'c' } },
      { endpoint_headers: { host: 'c' } },
      { tenant_field: [] },
    ],
  },
}

/** Wrong options beside each provider, and beside another provider of a list. */
const BESIDE: readonly Part[] = [
  { auth: { timeout_ms: 0 } },
  { auth: { allow_insecure_http: 5 } },
  { auth: { retry: { attempts: 9 } } },
  { auth: { circuit_breaker: { open_ms: 5 } } },
  { auth: { access_policy: [] } },
  { auth: { route_policy: [{}] } },
  { auth: { store: { url: 'redis://a.example' } } },
  { tenancy: { mode: 'single' } },
]
const MULTI: Part = { tenancy: { mode: 'multi' } }
const GIVE_TENANT: ReadonlySet<string> = new Set(['custom', 'upstream_header with a signature'])
function isMapping(value: unknown): value is Part {
  return typeof value === 'object' && value !== null
}

/** Adds the keys of `more`, also below a key that both have. */
function merge(part: unknown, more: unknown): unknown {
  if (!isMapping(part) || !isMapping(more)) return more
  if (Array.isArray(more) !== Array.isArray(part)) return more
  if (Array.isArray(part) && !part.some(isMapping)) return more
  const merged = Object.keys(more).map((name) => [name, merge(part[name], more[name])] as const)
  const all = { ...part, ...Object.fromEntries(merged) }
  return Array.isArray(part) ? Object.values(all) : all
}

/** One correction may remove both problems: whoever gives a tenant has one for `multi`. */
const RELATED = [
  [/"tenant_(?:claim|header)"/, /"multi"/],
  [/"endpoint"/, /"allow_insecure_http"/],
] as const

function areRelated(...parts: readonly [Part, Part]): boolean {
  const texts = parts.map((part) => JSON.stringify(part))
  return RELATED.some((pair) => pair.every((name) => texts.some((text) => name.test(text))))
}

/** Whether two parts set the same key, or one within the other. */
function overlap(one: unknown, other: unknown): boolean {
  if (!isMapping(one) || !isMapping(other) || Array.isArray(one)) return true
  return Object.keys(one).some((name) => name in other && overlap(one[name], other[name]))
}

function linesOf(server: unknown): string[] {
  // JSON is YAML, and is written and parsed far faster.
  return problemsOf(JSON.stringify({ server })).map(({ message }) => message)
}

/** The pairs of wrong parts whose problems are not those of both. */
function wrongPairs(right: unknown, wrong: readonly Part[]): object[] {
  expect(linesOf(right)).toEqual([])
  const found = wrong.map((part) => ({ part, lines: linesOf(merge(right, part)) }))
  expect(found.filter(({ lines }) => lines.length !== 1)).toEqual([])
  const pairs = found.flatMap((one, index) => found.slice(index + 1).map((other) => [one, other]))
  return pairs.flatMap(([one, other]) => {
    if (one === undefined || other === undefined) return []
    if (overlap(one.part, other.part) || areRelated(one.part, other.part)) return []
    const lines = linesOf(merge(merge(right, one.part), other.part))
    const expected = [...one.lines, ...other.lines]
    const parts = JSON.stringify([one.part, other.part])
    const lacks = expected.filter((line) => !lines.includes(line))
    const more = lines.filter((line) => !expected.includes(line))
    return lacks.length + more.length === 0 ? [] : [{ parts, lacks, more }]
  })
}

describe('a file lists every problem', () => {
  it.each(Object.entries(PROVIDERS))('of %s', (name, { right, wrong }) => {
    const keys: Part[] = wrong.map((part) => ({ auth: { provider_config: part } }))
    if (!GIVE_TENANT.has(name)) keys.push(MULTI)
    expect(wrongPairs({ auth: { provider_config: right } }, [...keys, ...BESIDE])).toEqual([])
  })

  it('of several providers', () => {
    const [keys, jwks] = [PROVIDERS['local_api_key'], PROVIDERS['oauth2_token with jwks']]
    const ask = { type: 'kubernetes' }
    const inList = (...providers: unknown[]): Part => ({ auth: { providers } })
    const right = { auth: { providers: [keys?.right, jwks?.right, ask] } }
    const wrong = [
      ...(keys?.wrong ?? []).map((part) => inList(part, {}, {})),
      ...(jwks?.wrong ?? []).map((part) => inList({}, part, {})),
      inList({}, {}, { api_server_url: 'http://a.example/' }),
      { auth: { fall_through: 'maybe' } },
      ...BESIDE,
    ]
    expect(wrongPairs(right, wrong)).toEqual([])
  })
})
