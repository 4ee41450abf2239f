import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { ConfigFileError, loadConfig, parseConfig } from '../../../src/yaml.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { problemsOf } from '../problems.ts'

/** The problems of a provider, each with its place and its remedy. `hunter` is a secret. */

const pathOf = setupFolder()
const inAuth = (auth: string): string => `server: { auth: { ${auth} } }`
const URI = 'jwks: { uri: "https://a.example/" }'
const ASKED = 'introspection: { url: "https://a.example/", client_id: a, client_secret: hunter }'
const WAYS = '"." must be a mapping with one of "jwks", "introspection" and "discovery"'
const PROOFS =
  '"." must be a mapping with one of "trusted_proxy_secret_header", "trusted_proxy_signature_header", "trusted_proxy_cidrs" and "trusted_network": without a proof a client can name any caller'

/** For each problem the word at its place, and the message with a short name of the provider. */
function wrong(type: string, keys: string, env = {}): string[] {
  const text = inAuth(`provider_config: { type: ${type}, ${keys} }`)
  const problems = problemsOf(text, env)
  expect(JSON.stringify(problems)).not.toContain('hunter')
  return problems.map(({ column, message }) => {
    const [word] = /^["[{]?[^\s,{}\]"]*/.exec(text.slice(column - 1)) ?? []
    return `${word} | ${message.replaceAll('server.auth.provider_config', '.')}`
  })
}

describe('a provider says what is wrong:', () => {
  it.each<[type: string, keys: string, ...problems: string[]]>([
    [
      'oauth2_token',
      `${URI}, algorithms: [RS256, HS256]`,
      'HS256 | "..algorithms[1]" must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, received "HS256": whoever can check such a token can also make one',
    ],
    [
      'oauth2_token',
      'jwks: { uri: "http://a.example/", key_recheck_period: 5m }, audience: "", verify_tls: false, claims_mapping: 5',
      '"http://a.example/ | "..jwks.uri" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://a.example/"',
      '5m | "..jwks.key_recheck_period" must be a whole number of seconds from 60 to 86400, received "5m"',
      '" | "..audience" must be a text or a non-empty list of texts, received ""',
      'false | "..verify_tls" must be true, received false: for an authority of your own set "tls_cafile"',
      '5 | "..claims_mapping" must be an object of claim paths and their attributes, received 5',
    ],
    [
      'github_token',
      'github_api_base_url: "https://a.example/?hunter", principal: name',
      '"https://a.example/?hunter | "..github_api_base_url" must be a URL without a query (its value is not shown)',
      'name | "..principal" must be "login" or "id", received "name"',
    ],
    [
      'upstream_header',
      'principal_header: x-user, trusted_proxy_cidrs: [0.0.0.0/0, 10.0.0.300]',
      '0.0.0.0/0 | "..trusted_proxy_cidrs[0]" must be the network of your proxies (for every network write "trusted_network"), received "0.0.0.0/0"',
      '10.0.0.300 | "..trusted_proxy_cidrs[1]" must be an address, or a network such as "10.0.0.0/8", received "10.0.0.300"',
    ],
    [
      'upstream_header',
      'principal_header: x_user, tenant_header: X-User, trusted_network: true',
      'X-User | "..tenant_header" must be another header than the other options name, received "x-user"',
    ],
    [
      'local_api_key',
      'api_keys: [hunter, hunter, "", "hunter 2", [hunter], null]',
      'hunter | "..api_keys[1]" must be left out: the list has the same key before it (its value is not shown)',
      '" | "..api_keys[2]" must be a key of letters, digits and -._~+/, with = at its end (its value is not shown)',
      '"hunter | "..api_keys[3]" must be a key of letters, digits and -._~+/, with = at its end (its value is not shown)',
      '[hunter | "..api_keys[4]" must be a key of letters, digits and -._~+/, with = at its end (its value is not shown)',
      'null | "..api_keys[5]" must be a key of letters, digits and -._~+/, with = at its end (its value is not shown)',
    ],
    [
      'github_token',
      'client_id: a',
      'provider_config: | "..client_secret" must be given beside "client_id"',
    ],
    [
      'github_token',
      'client_secret: b',
      'provider_config: | "..client_id" must be given beside "client_secret"',
    ],
    [
      'kubernetes',
      'reviewer_token_file: f',
      'f | "..reviewer_token_file" must be left out without "audiences"',
    ],
    [
      'kubernetes',
      'audiences: a',
      'a | "..audiences" must be left out for parseConfig: the token of this server is in a file, and parseConfig reads none: use loadConfig',
    ],
    [
      'local_api_key',
      'api_keys: []',
      '[ | "..api_keys" must be a list of at least one key (its value is not shown)',
    ],
    [
      'local_api_key',
      'api_keys: hunter',
      'hunter | "..api_keys" must be a list of at least one key (its value is not shown)',
    ],
    [
      'local_api_key',
      'api_keys: ["${env.NONE:=}"]',
      '[ | "..api_keys" must be a list of at least one key (its value is not shown)',
    ],
    ['oauth2_token', `${URI}, ${ASKED}, types: [JWT]`, `provider_config: | ${WAYS}`],
    ['oauth2_token', `${URI}, discovery: true`, `provider_config: | ${WAYS}`],
    ['oauth2_token', 'discovery: false', `provider_config: | ${WAYS}`],
    [
      'oauth2_token',
      'discovery: true',
      'provider_config: | "..issuer" must be the URL of the issuer, where "discovery" begins',
    ],
    [
      'oauth2_token',
      `${ASKED}, types: [JWT]`,
      '[JWT | "..types" must be left out beside "introspection": the endpoint checks that',
    ],
    ['oauth2_token', 'introspection: 5', '5 | "..introspection" must be a mapping, received 5'],
    ['oauth2_token', 'jwks: 5', '5 | "..jwks" must be a mapping, received 5'],
    [
      'upstream_header',
      'principal_header: a, trusted_proxy_secret_header: b',
      'provider_config: | "..trusted_proxy_secret" must be given: it is what the proxy proves itself with',
    ],
    ['upstream_header', 'principal_header: a', `provider_config: | ${PROOFS}`],
    [
      'upstream_header',
      'principal_header: a, trusted_network: maybe',
      'maybe | "..trusted_network" must be true or false, received "maybe"',
    ],
    [
      'upstream_header',
      'principal_header: a, trusted_network: true, trusted_proxy_cidrs: [10.0.0.1]',
      `provider_config: | ${PROOFS}`,
    ],
  ])('%s { %s }', (type, keys, ...problems) => {
    expect(wrong(type, keys)).toEqual(problems)
  })
  it('and hides a value from the environment', () => {
    const env = { URI: 'http://hunter.example/', KEYS: 'hunter 2' }
    expect(wrong('oauth2_token', 'jwks: { uri: "${env.URI}" }', env)).toEqual([
      '"$ | "..jwks.uri" must be an https URL (http only on loopback, or with "allow_insecure_http") (its value comes from the environment and is not shown)',
    ])
    const [problem] = wrong(
      'upstream_header',
      'principal_header: "${env.KEYS}", trusted_network: true',
      env,
    )
    expect(problem).toMatch(
      /"..principal_header" must be .* \(its value comes from the environment/,
    )
  })
})

const K8S = 'provider_config: { type: kubernetes }'
const TYPE =
  'must be one of "custom", "oauth2_token", "github_token", "kubernetes", "upstream_header", "local_api_key", "api_keys": it says how callers are checked'
const NO_LIST = '19 ..providers" must be a list of at least one provider, each with a "type"'
const NO_REFERENCE =
  'Environment variable "NO" is not set, or empty: set it, write ${env.NO:=default}, or ${env.NO:+value} to leave the key out when it is not set'
const KEYS = '{ type: local_api_key, api_keys: [a] }'
const PROXY = '{ type: upstream_header, principal_header: x-a, trusted_network: true }'
describe('server.auth says', () => {
  it.each<[auth: string, ...lines: string[]]>([
    [
      `${K8S}, endpoint_headers: { a: hunter }, tenant_field: t`,
      '76 ..endpoint_headers" must be left out beside "..provider_config": it is for an auth endpoint. One among "providers" has a key of that name',
      '105 ..tenant_field" must be left out beside "..provider_config": it is for an auth endpoint. One among "providers" has a key of that name',
    ],
    [
      `provider_config: ${PROXY}, credentials: bearer, context: { path: true }`,
      '122 ..credentials" must be left out beside "..provider_config": "upstream_header" decides that',
      '139 ..context" must be left out beside "..provider_config": "upstream_header" decides that',
    ],
    [
      `provider_config: ${PROXY}, resource: { identifier: "https://a.example/", authorization_servers: ["https://b.example"] }`,
      '119 ..resource" must be left out beside "..provider_config": clients of a resource send a Bearer token, which "upstream_header" does not read',
    ],
    [
      `${K8S}, fall_through: true`,
      '58 ..fall_through" must be left out: only "..providers" has it',
    ],
    [
      `providers: [{ type: kubernetes }, ${KEYS}, { type: github_token }]`,
      '53 ..providers[1]" is never asked, since "..providers[0]" takes every token: put it first, or set fall_through: true',
      '93 ..providers[2]" is never asked, since "..providers[0]" takes every token: put it first, or set fall_through: true',
    ],
    [
      'providers: [{ type: custom, endpoint: "http://hunter.example/?hunter" }]',
      '57 ..providers[0].endpoint" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://hunter.example/?***"',
    ],
    [
      `providers: [${KEYS}, ${PROXY}]`,
      '71 ..providers[1].type" must not be "upstream_header" beside other providers: it reads the caller from a header, and they read a token. Guard them apart',
    ],
    ['providers: []', NO_LIST],
    ['providers: hunter', NO_LIST],
    ['providers: { type: kubernetes }', NO_LIST],
    [
      'providers: [hunter, { api_keys: [hunter] }], credentials: bearer',
      '31 ..providers[0]" must be a mapping with a "type"',
      `39 ..providers[1].type" ${TYPE}`,
    ],
    ['provider_config: { api_keys: [hunter] }', `19 ..provider_config.type" ${TYPE}`],
    ['provider_config: { type: "${env.NO}" }', `44 ..provider_config.type": ${NO_REFERENCE}`],
    [
      'provider_config: { type: upstream_header, principal_header: x-a, trusted_network: "${env.NO}" }',
      `101 ..provider_config.trusted_network": ${NO_REFERENCE}`,
    ],
    ['provider_type: kubernetes, config: hunter', '46 ..config" must be a mapping'],
    [
      'provider_type: kubernetes, config: { type: hunter }',
      '56 Unknown option ..config.type": expected one of "api_server_url", "audiences", "reviewer_token_file", "claims_mapping", "tenant_claim", "verify_tls", "tls_cafile", "ca_cert_path"',
    ],
    [
      `providers: [{ type: kubernetes }, ${KEYS}], fall_through: 5`,
      '108 ..fall_through" must be true or false, received 5',
    ],
    [
      `providers: [{ type: kubernetes, typ: a }, ${KEYS}]`,
      '51 Unknown option ..providers[0].typ": did you mean "type"?',
    ],
    [
      'providers: [{ type: custom, endpoint: "http://a" }, { type: custom, endpoint: "https://b" }], fall_through: true',
      '57 ..providers[0].endpoint" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://a"',
    ],
    [
      'provider_config: { type: github_token, client_id: a, client_secret: "${env.NO}" }',
      `87 ..provider_config.client_secret": ${NO_REFERENCE}`,
    ],
    [
      'provider_config: { type: kubernetes, tls_cafile: a }',
      '68 ..provider_config.tls_cafile" must be left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig',
    ],
    [
      'endpoint: "https://a/", tenant: { mode: single }',
      '51 ..tenant.default" must be given beside "tenant.mode" "single"',
    ],
    [
      'endpoint: "https://a/", resource: null',
      '53 ..resource" must be left out or given a value (is a variable not set?), received null',
    ],
    // Whether its clients send the right credentials is not known.
    [
      'endpoint: "https://a/", resource: 5, credentials: { header: x-a }',
      '53 ..resource" must be an object or false, received 5',
    ],
  ])('what is wrong, and nothing else: %s', (auth, ...lines) => {
    const found = problemsOf(inAuth(auth))
    const shown = found.map(
      ({ column, message }) =>
        `${column} ${message.replaceAll('server.auth.', '..').replace('"', '')}`,
    )
    expect(shown).toEqual(lines)
    expect(JSON.stringify(found)).not.toMatch(/hunter(?!\.example)/)
  })

  it.each([
    ['`resource: false` beside upstream_header', `provider_config: ${PROXY}, resource: false`],
    [
      'a provider after one that takes every token, with fall_through',
      `providers: [{ type: kubernetes }, ${KEYS}], fall_through: true`,
    ],
  ])('nothing about %s', (_, auth) => {
    expect(problemsOf(inAuth(auth))).toEqual([])
  })

  it('that a file cannot be read, or has no certificate', async () => {
    const load = async (file: string): Promise<unknown> => {
      const keys = `${URI}, issuer: me, tls_cafile: "${file}"`
      const text = inAuth(`provider_config: { type: oauth2_token, ${keys} }`)
      writeFileSync(pathOf('run.yaml'), text)
      return loadConfig(pathOf('run.yaml')).catch((error: unknown) => String(error))
    }
    expect(await load(pathOf('none'))).toMatch(
      /run\.yaml:1:\d+: "server.auth.provider_config.tls_cafile" must be a file that can be read: it does not exist/,
    )
    writeFileSync(pathOf('ca'), 'hunter')
    const wrongFile = await load(pathOf('ca'))
    expect(wrongFile).toMatch(/tls_cafile" must be a file of certificates in PEM/)
    expect(wrongFile).not.toContain('hunter')
    writeFileSync(pathOf('ca'), SELF_SIGNED.cert)
    expect(await load(pathOf('ca'))).toHaveProperty('verifier')
    vi.stubGlobal('process', Object.create(process, { versions: { value: { bun: '1.0.0' } } }))
    expect(await load(pathOf('ca'))).toMatch(/tls_cafile" must be used on Node with .* "undici"/)
  })

  it.each([
    ['local_api_key, api_keys: []', 'api_keys" must be a list of at least one key'],
    ['api_keys', 'file" must be the path of a key file or of a SQLite file'],
    ['oauth2_token, discovery: true', 'issuer" must be the URL of the issuer'],
  ])('the same for a file, by loadConfig: %s', async (provider, message) => {
    writeFileSync(pathOf('run.yaml'), inAuth(`provider_config: { type: ${provider} }`))
    await expect(loadConfig(pathOf('run.yaml'))).rejects.toThrow(
      `"server.auth.provider_config.${message}`,
    )
  })

  it('that parseConfig needs jwt', () => {
    const text = inAuth(`provider_config: { type: oauth2_token, ${URI} }`)
    expect(() => parseConfig(text)).toThrow(ConfigFileError)
    expect(() => parseConfig(text)).toThrow(
      /"server.auth.provider_config.jwks" must be left out for parseConfig without "jwt" of with-auth\/jwt: pass it as in parseConfig\(text, \{ jwt \}\), or use loadConfig/,
    )
    const discovered = inAuth(
      'provider_config: { type: oauth2_token, discovery: true, issuer: "https://a.example" }',
    )
    expect(() => parseConfig(discovered)).toThrow('provider_config.discovery" must be left out')
    expect(() => parseConfig(text, { jwt: 5 as never })).toThrow('"options.jwt" must be a function')
    const ofAnotherCopy = () => Object.assign(() => ({ outcome: 'deny' }), { label: 'jwt' })
    expect(() => parseConfig(text, { jwt: ofAnotherCopy as never })).toThrow(
      '"verifier" must be made by defineVerifier() of with-auth/verifiers, since the function carries "label"',
    )
  })
})
