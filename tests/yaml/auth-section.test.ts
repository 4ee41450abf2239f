import { expect, it } from 'vitest'
import { linesOf } from './problems.ts'

const NOT_ENFORCED =
  "must be left out: with-auth does not enforce it, since it needs the database of OGX. If your upstream does, with type: upstream_header in its own file, say so: with the option accessPolicy: 'upstream' of loadConfig, parseConfig and watchConfig, or with the flag --upstream-enforces-access-policy"
const TYPES =
  'one of "custom", "oauth2_token", "github_token", "kubernetes", "upstream_header", "local_api_key", "api_keys"'

it.each<[text: string, ...lines: string[]]>([
  [
    'a: &a { endpoint: "http://h/" }\nserver: { auth: *a }',
    '1:19 "server.auth.endpoint" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://h/" | a: ** { endpoint: "http://h/" }',
  ],
  [
    'a: &a { b: 1 }\nserver: { <<: *a, auth: { endpoint: "http://h/" } }',
    '2:37 "server.auth.endpoint" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://h/" | server: { <<: **, auth: { endpoint: "http://h/" } }',
  ],
  ['hunter', '1:1 The file must be a mapping | ******'],
  ['server: hunter', '1:1 "server" must be a mapping | server: ******'],
  [
    'server: { auth: hunter }',
    '1:11 "server.auth" must be a mapping with an "endpoint" or a "provider_config" | server: { auth: ****** }',
  ],
  ['{ server:hunter }', '1:3 "?" is not read: did you mean "server"? | { ******:****** }'],
  [
    '? [server]\n: 1\n? { a: b }\n: 2\n',
    '1:1 "server.auth" is missing: add it, with an "endpoint". Without it every request would be allowed | * [******]',
  ],
  [
    'a: &a { b: hunter }\n<<: *a',
    '2:1 "<<" is not read: merge keys are not supported here, and it may hold "server" | <<: **',
  ],
  [
    'server: { AUTHENTICATION: hunter, Auth : 1, ? [a] : 1 }',
    '1:11 "server.AUTHENTICATION" is not read: did you mean "auth"? | server: { AUTHENTICATION: ******, Auth : *, * [*]',
    '1:35 "server.Auth" is not read: did you mean "auth"? | server: { AUTHENTICATION: ******, Auth : *, * [*] : * }',
  ],
  [
    'server: { auth: { provider_config: hunter } }',
    '1:19 "server.auth.provider_config" must be a mapping with a "type" | server: { auth: { provider_config: ****** } }',
  ],
  [
    'server: { auth: {} }',
    '1:11 "server.auth.endpoint" is missing or empty: set it to the URL of your auth endpoint | server: { auth: {} }',
  ],
  [
    'server: { auth: { tenant_field: hunter }, tenancy: { mode: multi } }',
    '1:11 "server.auth.endpoint" is missing or empty: set it to the URL of your auth endpoint | server: { auth: { tenant_field: ****** }, tenancy:',
  ],
  [
    'server: { auth: { realm: x, endpoint: "${env.NO:=}" } }',
    '1:29 "server.auth.endpoint" is missing or empty: set it to the URL of your auth endpoint | server: { auth: { realm: *, endpoint: "*{******:*}" } }',
  ],
  [
    'server: { auth: { endpoint: "${env.NO-}" } }',
    '1:29 "server.auth.endpoint": A reference to the environment must be written ${env.NO:=default}. If the value itself holds "${", set a variable to it | server: { auth: { endpoint: "${env.NO-}" } }',
  ],
  [
    'server: { auth: { realm: x, endpoint } }',
    '1:29 "server.auth.endpoint" must be left out or given a value (is a variable not set?), received null | server: { auth: { realm: *, endpoint } }',
  ],
  [
    'server: { auth: { endpiont: "https://hunter/" } }',
    '1:19 Unknown option "server.auth.endpiont": did you mean "endpoint"? | server: { auth: { endpiont: "*****:*********" } }',
  ],
  [
    'server: { auth: { access_policy: hunter, provider_type: [hunter], config: { a: hunter }, ? [a] : hunter } }',
    `1:19 "server.auth.access_policy" ${NOT_ENFORCED} | server: { auth: { access_policy: ******, provider_type: [*`,
    '1:57 "server.auth.provider_type" must be TYPES: it says how callers are checked | server: { auth: { access_policy: ******, provider_type: [******], config: { a: ****** }, * [*] :',
    '1:92 A key of "server.auth" must be a plain name | ess_policy: ******, provider_type: [******], config: { a: ****** }, * [*] : ****** } }',
  ],
  [
    'server: { auth: { provider_config: { type: { hunter: hunter } } } }',
    '1:44 "server.auth.provider_config.type" must be TYPES: it says how callers are checked | server: { auth: { provider_config: { type: { hunter: ****** } } } }',
  ],
  [
    'server: { auth: { provider_config: { type: "https://u:hunter@h" } } }',
    '1:44 "server.auth.provider_config.type" must be TYPES: it says how callers are checked | server: { auth: { provider_config: { type: "*****:***:********" } } }',
  ],
  [
    'server: { auth: { provider_config: { type: "${env.NO:+custom}" } } }',
    '1:38 "server.auth.provider_config.type" must be TYPES: it comes out empty, since the environment variable "NO" is not set, or empty | server: { auth: { provider_config: { type: "*{******:*******}" } } }',
  ],
  [
    'server: { auth: { provider_config: { type: "${env.SET:+}" } } }',
    '1:38 "server.auth.provider_config.type" must be TYPES: it comes out empty, since nothing follows ":+" in it | server: { auth: { provider_config: { type: "*{*******:*}" } } }',
  ],
  [
    'server: { auth: { provider_config: { type: custom, endpoint: "${env.NO:=}", url: hunter } } }',
    '1:19 "server.auth.provider_config.endpoint" is missing or empty: set it to the URL of your auth endpoint | server: { auth: { provider_config: { type: ******, endpoin',
    '1:77 Unknown option "server.auth.provider_config.url": expected one of "type", "endpoint", "endpoint_headers", "tenant_field" | : { auth: { provider_config: { type: ******, endpoint: "*{******:*}", url: ****** } } }',
  ],
  [
    'server: { auth: { endpoint: "https://hunter/", provider_config: { type: custom, endpoint: "https://hunter/" } } }',
    '1:48 "server.auth.provider_config" and "server.auth.endpoint" both say how callers are checked: remove one of them | server: { auth: { endpoint: "*****:*********", provider_config: { type: ******, endpoin',
  ],
  [
    'server: { auth: { provider_config: { type: custom, endpoint: "https://hunter/" }, endpoint: "https://hunter/" } }',
    '1:83 "server.auth.endpoint" and "server.auth.provider_config" both say how callers are checked: remove one of them | th: { provider_config: { type: ******, endpoint: "*****:*********" }, endpoint: "*****:*********" } }',
  ],
  [
    'server: { auth: { providers: [{ type: custom, endpoint: "https://h/" }], fall_through: 5 } }',
    '1:88 "server.auth.fall_through" must be true or false, received 5 | providers: [{ type: ******, endpoint: "*****:****" }], fall_through: 5 } }',
  ],
  [
    'server: { auth: { provider_config: { type: oauth2_token, jwks: { uri: "https://h/" }, verify_tls: "${env.SET}" } } }',
    '1:99 "server.auth.provider_config.verify_tls" must be true (its value comes from the environment and is not shown): for an authority of your own set "tls_cafile" | onfig: { type: ************, jwks: { uri: "*****:****" }, verify_tls: "${env.SET}" } } }',
  ],
  [
    'server: { auth: { provider_config: { type: kubernetes, claims_mapping: { ? [a] : hunter } } } }',
    '1:76 "server.auth.provider_config.claims_mapping" must be made of claims, each with its value | r: { auth: { provider_config: { type: **********, claims_mapping: { * [*] : ****** } } } }',
  ],
  [
    'server: { auth: { provider_config: { type: upstream_header, principal_header: x-user, trusted_network: true, attribute_headers: { x-a: { attribute: a, separator: ~ } } } } }',
    '1:163 "server.auth.provider_config.attribute_headers.x-a.separator" must be left out or given a value (is a variable not set?), received null | d_network: ****, attribute_headers: { x-a: { attribute: *, separator: ~ } } } } }',
  ],
  [
    'server: { auth: { provider_config: { type: custom, endpoint: "https://h/", endpoint_headers: { a: b, c: é } } } }',
    '1:105 "server.auth.provider_config.endpoint_headers.c" must be a non-empty string of printable ASCII (its value is not shown) | { type: ******, endpoint: "*****:****", endpoint_headers: { a: *, c: * } } } }',
  ],
  [
    'server: { auth: { endpoint: "https://auth.example.com/", realm:hunter } }',
    '1:58 Unknown option (hidden because it may be a secret): did you mean "realm"? | server: { auth: { endpoint: "*****:*******************", *****:****** } }',
  ],
  [
    'server: { auth: { endpoint: "https://auth.example.com/", fetch } }',
    '1:58 "server.auth.?" is a function: set it in code, as in withAuth(handler, { ...config, fetch }) | server: { auth: { endpoint: "*****:*******************", ***** } }',
  ],
])('reports every problem of %j, and shows only keys', (text, ...lines) => {
  const named = linesOf(text, { SET: 'x' }).map((line) => line.replace(TYPES, 'TYPES'))
  expect(named).toEqual(lines)
})
