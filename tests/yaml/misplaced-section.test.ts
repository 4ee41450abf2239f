import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/yaml.ts'
import { words } from '../support/words.ts'
import { errorOf, linesOf, problemsOf } from './problems.ts'

const ENDPOINT = 'https://auth.example.com/validate'
const SECTION = `{ endpoint: "${ENDPOINT}" }`

type Row = readonly [text: string, problem: string]

/** Each key in place of `KEY` in each text. */
function rowsOf(keys: string, texts: readonly string[], problem: string): Row[] {
  const fill = (text: string, key: string): string => text.replaceAll('KEY', () => key)
  return words(keys).flatMap((key) => texts.map((text) => [fill(text, key), fill(problem, key)]))
}

const MEANT = 'is not read: did you mean'
const BELOW = `${MEANT} "auth" below "server"? Write it there, as a mapping with an "endpoint"`

/** Keys that were probably meant as the section, in a file without `server`, and the problem. */
const BESIDE: readonly Row[] = [
  ...rowsOf(
    'sever servre Server sserver _server serber servers srvr serv ser',
    [`KEY: { auth: ${SECTION} }`, 'KEY: { a: 1, atuh: }', `KEY: ${SECTION}`],
    `1:1: "KEY" ${MEANT} "server"?`,
  ),
  ...rowsOf(
    'auth Auth _auth atuh authorization server_auth au',
    [
      `KEY: ${SECTION}`,
      `KEY: { provider_config: ${SECTION} }`,
      `KEY: { endpiont: "${ENDPOINT}" }`,
      `KEY: { url: "${ENDPOINT}" }`,
      `KEY: { a: 1, URI: "${ENDPOINT}" }`,
      'KEY: {}',
      'KEY: ',
      'KEY: ~',
      `KEY: ${ENDPOINT}`,
      'KEY: ${env.ENDPOINT}',
    ],
    `1:1: "KEY" ${BELOW}`,
  ),
  ...rowsOf(
    'server.auth sever.auth Server/Auth server:auth server.auth.endpoint server.aut.x.y',
    [`KEY: ${SECTION}`, 'KEY: { timeout_ms: 5 }', 'KEY: ', `KEY: ${ENDPOINT}`, 'KEY: x'],
    `1:1: "KEY" ${BELOW}`,
  ),
  [`server_auth_endpoint: ${ENDPOINT}`, `1:1: "server_auth_endpoint" ${BELOW}`],
  [`a: &a ${SECTION}\nauth: *a`, `2:1: "auth" ${BELOW}`],
  [`author: ${SECTION}`, `1:1: "author" ${BELOW}`],
  ['auth: { providers: [] }', `1:1: "auth" ${BELOW}`],
  ['auth: { provider_type: custom, config: {} }', `1:1: "auth" ${BELOW}`],
]

const WITHIN: readonly Row[] = [
  ...rowsOf(
    'providers provider_type',
    ['server: { KEY: x }'],
    `1:11: "server.KEY" ${MEANT} "server.auth.KEY"?`,
  ),
  ...rowsOf(
    'aut au atuh _auth Auth authn AUHT oauth аuth auth.endpoint autentication Authorisation ahtuorization',
    [`server: { KEY: ${SECTION} }`],
    `1:11: "server.KEY" ${MEANT} "auth"?`,
  ),
  [
    'server: { "<<": { a: 1 } }',
    '1:11: "server.<<" is not read: merge keys are not supported here, and it may hold "auth"',
  ],
  [`server: { "#auth": ${SECTION} }`, `1:11: "server.#auth" ${MEANT} "auth"?`],
  [`server: { "auth ": ${SECTION} }`, `1:11: "server.auth " ${MEANT} "auth"?`],
  ...rowsOf(
    'endpoint endpiont Endpoint',
    [`server: { KEY: "${ENDPOINT}" }`],
    `1:11: "server.KEY" ${MEANT} "server.auth.endpoint"?`,
  ),
  ['server: { endpoint: }', `1:11: "server.endpoint" ${MEANT} "server.auth.endpoint"?`],
  ...rowsOf(
    'provider_config providerConfig',
    ['server: { KEY: { type: custom } }'],
    `1:11: "server.KEY" ${MEANT} "server.auth.provider_config"?`,
  ),
  ...rowsOf(
    'auth Auth aut',
    [
      `server: { tls: { a: 1, KEY: ${SECTION} } }`,
      'server: { tls: { a: 1, KEY: { provider_config: {} } } }',
    ],
    `1:24: "server.tls.KEY" ${MEANT} "server.auth"?`,
  ),
]

/** Each again in a file that has the key `server`, and so other lines or columns. */
const NEAR_MISSES: readonly Row[] = [
  ...BESIDE,
  ...['server: { port: 1 }', 'server: {}', 'server:', 'server: ~'].flatMap((server) =>
    BESIDE.map(([text, problem]): Row => [
      `${server}\n${text}`,
      problem.replace(/^\d+/, (line) => String(Number(line) + 1)),
    ]),
  ),
  ...BESIDE.map(([text, problem]): Row => [`${text}\nserver: { port: 1 }`, problem]),
  ...WITHIN,
  ...WITHIN.map(([text, problem]): Row => [
    text.replace('{ ', '{ port: 1, '),
    problem.replace(/:(\d+)/, (_, column) => `:${Number(column) + 9}`),
  ]),
]

/** The other keys of a run.yaml of Llama Stack or OGX. */
const REAL_KEYS = {
  file: words(`
    version image_name distro_name container_image apis providers models shields
    vector_dbs vector_stores datasets scoring_fns benchmarks tool_groups
    registered_resources metadata_store inference_store conversations_store storage
    logging telemetry safety connectors external_providers_dir external_apis_dir`),
  server: words(`
    port host workers insecure tls_certfile tls_keyfile tls_cafile tls_config
    hsts_max_age tenancy quota cors disable_ipv6 registry_refresh_interval_seconds`),
}

describe('a key that may be meant as server.auth', () => {
  it.each<[text: string, ...places: string[]]>([
    [
      [
        'auth: { url: x }',
        'sever: { auth: { endpoint: x } }',
        'server:',
        '  atuh: 1',
        '  endpoint: x',
        '  <<: { a: 1 }',
        '  tls: { auth: { endpoint: x }, Auth: { provider_config: x }, auth2: 1 }',
        'server.auth.endpoint: x',
      ].join('\n'),
      '1:1 auth',
      '2:1 sever',
      '4:3 server.atuh',
      '5:3 server.endpoint',
      '6:3 server.<<',
      '7:10 server.tls.auth',
      '7:33 server.tls.Auth',
      '8:1 server.auth.endpoint',
    ],
    ['server: { auth2: { auth: { endpoint: x } } }', '1:11 server.auth2'],
    ['server.auth: { auth: { endpoint: x } }', '1:1 server.auth'],
    ['a: &a { endpoint: x }\nserver: {}\nsever: { auth: *a }', '3:1 sever'],
    ['a: &a { endpoint: x }\nserver: { tls: { auth: *a } }', '2:18 server.tls.auth'],
    ['a: &a { port: 1, atuh: 1 }\nserver: *a', '1:18 server.atuh'],
    ['<<: { a: 1 }', '1:1 <<'],
    ['sever: { "<< ": 1 }\nserver: {}', '1:1 sever'],
  ])('is found once, in each place: %j', (text, ...places) => {
    const found = problemsOf(text).map(({ line, column, key }) => `${line}:${column} ${key}`)
    expect(found).toEqual(places)
  })

  it.each<[text: string, ...lines: string[]]>([
    [
      'server: {}\nauth: https://u:hunter@h/?hunter\n',
      `2:1 "auth" ${BELOW} | auth: *****:***:****************`,
    ],
    ['{ server: {}, auth:hunter }', `1:15 "?" ${BELOW} | { server: {}, ****:****** }`],
    [
      'server: { tls: { auth: { endpoint: hunter } } }',
      '1:18 "server.tls.auth" is not read: did you mean "server.auth"? | server: { tls: { auth: { endpoint: ****** } } }',
    ],
  ])('shows of %j keys alone', (text, ...lines) => {
    expect(linesOf(text)).toEqual(lines)
  })
})

describe('a file without server.auth', () => {
  it.each(NEAR_MISSES)('says of %j what was probably meant', (text, problem) => {
    const [refusal, other] = [true, false].map((allowMissing) =>
      errorOf(() => parseConfig(text, { allowMissing })),
    )
    expect(refusal?.problems).toHaveLength(1)
    expect(refusal?.message).toContain(`<yaml>:${problem}`)
    expect(refusal?.message).not.toContain('auth.example.com')
    expect(other?.message).toBe(refusal?.message)
  })

  it.each([
    ...REAL_KEYS.file.map((key) => `${key}: { a: 1 }\nserver: { port: 8321 }`),
    ...REAL_KEYS.file.map((key) => `${key}: { endpoint: "${ENDPOINT}" }`),
    ...REAL_KEYS.file.map((key) => `${key}:\nserver: { port: 8321 }`),
    ...REAL_KEYS.file.map((key) => `${key}: ${ENDPOINT}\nserver: { port: 8321 }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: { a: 1 } }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: "${ENDPOINT}" }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: }`),
    '<<: { a: 1 }\nserver: {}',
    'auth: basic',
    'auth: [{ endpoint: x }]',
    'author: { name: x }',
    '? [auth]\n: { endpoint: x }',
    'a: { auth: { endpoint: x } }',
    'server: {}\nsever: { port: 1 }\nserv:\nsrvr: [{ auth: { endpoint: x } }]',
    'server: {}\nauth: { server: { endpoint: x } }\n? { auth: x }\n: 1',
    `server: {}\nauthor:\nAuthors: ${ENDPOINT}`,
    'server: {}\nauthors: { url: x }',
    'server: {}\nauth: { security: basic }',
    'server: { htua: { a: 1 } }',
    'server: {}\nobserver.auth: 1\nserver.port: 1\nserver.author: 1',
    'server: { endpoints: { health: /health }, endpoint: [] }',
    'server: { cors: { auth: true }, tls: { author: { name: x } }, a: { b: { auth: { endpoint: x } } } }',
    'server: { ? [a] : { b: 1 }, c: { d: { endpoint: x } } }',
  ])('takes no other key for a mistyped one: %j', (text) => {
    expect(parseConfig(text, { allowMissing: true })).toBeUndefined()
  })
})
