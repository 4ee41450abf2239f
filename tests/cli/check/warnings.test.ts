import { expect, it } from 'vitest'
import { setupFolder } from '../../support/temporary-folder.ts'
import { createCheck } from '../support/checked.ts'

/** Where `with-auth check --config` points with the warnings that the gateway writes at its start, and with those of URLs without TLS. */

const check = createCheck(setupFolder())

const TEN_RULES = Array.from({ length: 10 }, (_, index) => `- permit: { paths: /${index}* }\n`)
const withStore = (url: string): string => `endpoint: http://127.0.0.1:1
cache: {}
context: { headers: [] }
store:
  timeout_ms: 50
  url: ${url}`

/** Each warning with its line, and its first words. No server listens at port 1. */
it.each<[what: string, auth: string, says: readonly string[]]>([
  [
    'keys of several providers',
    `providers:
- type: local_api_key
  api_keys: [s3cret-0123456789]
- type: github_token
  github_api_base_url: http://127.0.0.1:1
  claims_mapping: { login: roles }`,
    [
      '5: "server.auth.providers[0].api_keys" names',
      '6: "server.auth.providers[1].client_id" is',
      '8: "server.auth.providers[1].claims_mapping" makes',
    ],
  ],
  [
    'a key of the only provider',
    `provider_config:
  type: upstream_header
  principal_header: x-user
  trusted_network: true`,
    ['6: "server.auth.provider_config.trusted_network" is'],
  ],
  [
    'keys that are missing, and http that is permitted but not used',
    `allow_insecure_http: true
provider_config:
  type: kubernetes
  api_server_url: http://127.0.0.1:1`,
    [
      '2: "server.auth.route_policy" is',
      '3: "server.auth.allow_insecure_http" is',
      '4: "server.auth.provider_config.audiences" is',
    ],
  ],
  [
    'a rule',
    `endpoint: http://127.0.0.1:1
route_policy:
${TEN_RULES.join('')}- forbid: { paths: /a* }
- permit: { paths: "*" }`,
    ['15: Rule 10'],
  ],
  [
    'a URL without TLS, beside another warning',
    `allow_insecure_http: true
provider_config:
  type: oauth2_token
  audience: a
  jwks:
    key_recheck_period: 60
    uri: http://0.0.0.0:1`,
    [
      '4: "server.auth.provider_config.issuer" is',
      '9: "server.auth.provider_config.jwks.uri" leads',
    ],
  ],
  [
    'an issuer that is asked without TLS',
    `allow_insecure_http: true
provider_config:
  type: oauth2_token
  audience: a
  discovery: true
  issuer: http://0.0.0.0:1`,
    ['8: "server.auth.provider_config.issuer" leads'],
  ],
  [
    'an issuer by its name alone',
    `provider_config:
  type: oauth2_token
  audience: a
  jwks: { uri: http://127.0.0.1:1 }
  issuer: http://0.0.0.0:1`,
    ['7: Whether tokens'],
  ],
  ['a store without TLS and without a password', withStore('redis://0.0.0.0:1'), ['8: The store']],
])('warns of %s', async (_, auth, says) => {
  const { printed } = await check(auth, ['--timeout-ms=2000'])
  const warnings = printed.matchAll(/^run\.yaml:(\d+): warning: (\S+ \S+)/gm)
  expect([...warnings].map(([, line, words]) => `${line}: ${words}`)).toEqual(says)
})

it('does not warn of a store with TLS whose password looks like a URL', async () => {
  const { printed } = await check(withStore('rediss://:http:x@127.0.0.1:1'))
  expect(printed).toContain('The store cannot be reached')
  expect(printed).not.toContain('warning: ')
})
