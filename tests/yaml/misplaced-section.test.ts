import { isMap } from 'yaml'
import { describe, expect, it } from 'vitest'
import { parseFile } from '../../src/yaml/document.ts'
import { rejectMisplaced } from '../../src/yaml/misplaced-section.ts'
import { linesOf } from '../support/yaml-problems.ts'
import { ConfigFileError, parseConfig } from '../../src/yaml.ts'

const ENDPOINT = 'https://auth.example.com/validate'

const BELOW = 'did you mean "auth" below "server"? Write it there, as a mapping with an "endpoint"'
const SECTION = `{ endpoint: "${ENDPOINT}" }`

/** Keys that were probably meant as the section, in a file without `server`, and the problem. */
const BESIDE: [text: string, problem: string][] = [
  ...'sever servre Server sserver _server serber servers srvr serv ser'
    .split(' ')
    .flatMap((key): [string, string][] => [
      [`${key}: { auth: ${SECTION} }`, `1:1: "${key}" is not read: did you mean "server"?`],
      [`${key}: { a: 1, atuh: }`, `1:1: "${key}" is not read: did you mean "server"?`],
      [`${key}: ${SECTION}`, `1:1: "${key}" is not read: did you mean "server"?`],
    ]),
  ...'auth Auth _auth atuh authorization server_auth au'
    .split(' ')
    .flatMap((key) =>
      [
        SECTION,
        `{ provider_config: ${SECTION} }`,
        `{ endpiont: "${ENDPOINT}" }`,
        `{ url: "${ENDPOINT}" }`,
        `{ a: 1, URI: "${ENDPOINT}" }`,
        '{}',
        '',
        '~',
        ENDPOINT,
        '${env.ENDPOINT}',
      ].map((value): [string, string] => [
        `${key}: ${value}`,
        `1:1: "${key}" is not read: ${BELOW}`,
      ]),
    ),
  ...'server.auth sever.auth Server/Auth server:auth server.auth.endpoint server.aut.x.y'
    .split(' ')
    .flatMap((key) =>
      [SECTION, '{ timeout_ms: 5 }', '', ENDPOINT, 'x'].map((value): [string, string] => [
        `${key}: ${value}`,
        `1:1: "${key}" is not read: ${BELOW}`,
      ]),
    ),
  [`server_auth_endpoint: ${ENDPOINT}`, `1:1: "server_auth_endpoint" is not read: ${BELOW}`],
  [`a: &a ${SECTION}\nauth: *a`, `2:1: "auth" is not read: ${BELOW}`],
  [`author: ${SECTION}`, `1:1: "author" is not read: ${BELOW}`],
  ['auth: { providers: [] }', `1:1: "auth" is not read: ${BELOW}`],
  ['auth: { provider_type: custom, config: {} }', `1:1: "auth" is not read: ${BELOW}`],
]

const WITHIN: [text: string, problem: string][] = [
  ...['providers', 'provider_type'].map((key): [string, string] => [
    `server: { ${key}: x }`,
    `1:11: "server.${key}" is not read: did you mean "server.auth.${key}"?`,
  ]),
  ...[
    'aut',
    'au',
    'atuh',
    '_auth',
    'Auth',
    'authn',
    'AUHT',
    '#auth',
    'oauth',
    '"auth "',
    'аuth',
    'auth.endpoint',
  ].map((key): [string, string] => {
    const quoted = key === '#auth' ? '"#auth"' : key
    const name = `"server.${key.replaceAll('"', '')}"`
    return [`server: { ${quoted}: ${SECTION} }`, `1:11: ${name} is not read: did you mean "auth"?`]
  }),
  ...['autentication', 'Authorisation', 'ahtuorization'].map((key): [string, string] => [
    `server: { ${key}: ${SECTION} }`,
    `1:11: "server.${key}" is not read: did you mean "auth"?`,
  ]),
  ...['endpoint', 'endpiont', 'Endpoint'].map((key): [string, string] => [
    `server: { ${key}: "${ENDPOINT}" }`,
    `1:11: "server.${key}" is not read: did you mean "server.auth.endpoint"?`,
  ]),
  [
    'server: { endpoint: }',
    '1:11: "server.endpoint" is not read: did you mean "server.auth.endpoint"?',
  ],
  ...['provider_config', 'providerConfig'].map((key): [string, string] => [
    `server: { ${key}: { type: custom } }`,
    `1:11: "server.${key}" is not read: did you mean "server.auth.provider_config"?`,
  ]),
  ...['auth', 'Auth', 'aut'].flatMap((key): [string, string][] => [
    [
      `server: { tls: { a: 1, ${key}: ${SECTION} } }`,
      `1:24: "server.tls.${key}" is not read: did you mean "server.auth"?`,
    ],
    [
      `server: { tls: { a: 1, ${key}: { provider_config: {} } } }`,
      `1:24: "server.tls.${key}" is not read: did you mean "server.auth"?`,
    ],
  ]),
]

/** Each again in a file that has the key `server`, and so other lines or columns. */
const NEAR_MISSES: [text: string, problem: string][] = [
  ...BESIDE,
  ...['server: { port: 1 }', 'server: {}', 'server:', 'server: ~'].flatMap((server) =>
    BESIDE.map(([text, problem]): [string, string] => [
      `${server}\n${text}`,
      problem.replace(/^\d+/, (line) => String(Number(line) + 1)),
    ]),
  ),
  ...BESIDE.map(([text, problem]): [string, string] => [`${text}\nserver: { port: 1 }`, problem]),
  ...WITHIN,
  ...WITHIN.map(([text, problem]): [string, string] => [
    text.replace('{ ', '{ port: 1, '),
    problem.replace(/:(\d+)/, (_, column) => `:${Number(column) + 9}`),
  ]),
]

/** The other keys of a run.yaml of Llama Stack or OGX. */
const REAL_KEYS = {
  file: [
    'version image_name distro_name container_image apis providers models shields',
    'vector_dbs vector_stores datasets scoring_fns benchmarks tool_groups',
    'registered_resources metadata_store inference_store conversations_store storage',
    'logging telemetry safety connectors external_providers_dir external_apis_dir',
  ]
    .join(' ')
    .split(' '),
  server: [
    'port host workers insecure tls_certfile tls_keyfile tls_cafile tls_config',
    'hsts_max_age tenancy quota cors disable_ipv6 registry_refresh_interval_seconds',
  ]
    .join(' ')
    .split(' '),
}

/** Returns the keys with a problem, each with its place. */
function refused(text: string): string[] {
  const { tree, findings } = parseFile('f', text)
  if (!isMap(tree?.root)) throw new Error('no mapping')
  rejectMisplaced(tree.root, { tree, findings })
  return findings.all().map(({ line, column, key }) => `${line}:${column} ${key}`)
}

describe('rejectMisplaced', () => {
  it('finds all that may be meant, beside the server and within it', () => {
    const text = [
      'auth: { url: x }',
      'sever: { auth: { endpoint: x } }',
      'server:',
      '  atuh: 1',
      '  endpoint: x',
      '  <<: { a: 1 }',
      '  tls: { auth: { endpoint: x }, Auth: { provider_config: x }, auth2: 1 }',
      'server.auth.endpoint: x',
    ].join('\n')
    expect(refused(text)).toEqual([
      '1:1 auth',
      '2:1 sever',
      '4:3 server.atuh',
      '5:3 server.endpoint',
      '6:3 server.<<',
      '7:10 server.tls.auth',
      '7:33 server.tls.Auth',
      '8:1 server.auth.endpoint',
    ])
  })

  it('says each thing once', () => {
    expect(refused('server: { auth2: { auth: { endpoint: x } } }')).toEqual(['1:11 server.auth2'])
    expect(refused('server.auth: { auth: { endpoint: x } }')).toEqual(['1:1 server.auth'])
  })

  it.each([
    ['a: &a { endpoint: x }\nserver: {}\nsever: { auth: *a }', ['3:1 sever']],
    ['a: &a { endpoint: x }\nserver: { tls: { auth: *a } }', ['2:18 server.tls.auth']],
    ['a: &a { port: 1, atuh: 1 }\nserver: *a', ['1:18 server.atuh']],
  ])('looks behind aliases: %j', (text, problems) => {
    expect(refused(text)).toEqual(problems)
  })

  it('takes a merge for the section only if no explicit key overrides it', () => {
    expect(refused('<<: { a: 1 }')).toEqual(['1:1 <<'])
    expect(refused('<<: { a: 1 }\nserver: {}')).toEqual([])
    expect(refused('sever: { "<< ": 1 }\nserver: {}')).toEqual(['1:1 sever'])
  })

  it.each<[text: string, ...lines: string[]]>([
    [
      'server: {}\nauth: https://u:hunter@h/?hunter\n',
      `2:1 "auth" is not read: ${BELOW} | auth: *****:***:****************`,
    ],
    ['{ server: {}, auth:hunter }', `1:15 "?" is not read: ${BELOW} | { server: {}, ****:****** }`],
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
    const refuse = (allowMissing: boolean): ConfigFileError =>
      catchError(() => parseConfig(text, { allowMissing }))
    expect(refuse(true).problems).toHaveLength(1)
    expect(refuse(true).message).toContain(`<yaml>:${problem}`)
    expect(refuse(true).message).not.toContain('auth.example.com')
    expect(refuse(false).message).toBe(refuse(true).message)
  })

  it.each([
    ...REAL_KEYS.file.map((key) => `${key}: { a: 1 }\nserver: { port: 8321 }`),
    ...REAL_KEYS.file.map((key) => `${key}: { endpoint: "${ENDPOINT}" }`),
    ...REAL_KEYS.file.map((key) => `${key}:\nserver: { port: 8321 }`),
    ...REAL_KEYS.file.map((key) => `${key}: ${ENDPOINT}\nserver: { port: 8321 }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: { a: 1 } }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: "${ENDPOINT}" }`),
    ...REAL_KEYS.server.map((key) => `server: { ${key}: }`),
    'auth: basic',
    'auth: [{ endpoint: x }]',
    'author: { name: x }',
    '? [auth]\n: { endpoint: x }',
    'a: { auth: { endpoint: x } }',
    'server: {}\nsever: { port: 1 }\nserv:\nsrvr: [{ auth: { endpoint: x } }]',
    'server: {}\nauth: { server: { endpoint: x } }\n? { auth: x }\n: 1',
    `server: {}\nauthor:\nAuthors: ${ENDPOINT}`,
    'server: {}\nauthors: { url: x }',
    'server: {}\nobserver.auth: 1\nserver.port: 1\nserver.author: 1',
    'server: { endpoints: { health: /health }, endpoint: [] }',
    'server: { cors: { auth: true }, tls: { author: { name: x } }, a: { b: { auth: { endpoint: x } } } }',
    'server: { ? [a] : { b: 1 }, c: { d: { endpoint: x } } }',
  ])('takes no other key for a mistyped one: %j', (text) => {
    expect(parseConfig(text, { allowMissing: true })).toBeUndefined()
  })
})

function catchError(run: () => unknown): ConfigFileError {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigFileError) return error
  }
  throw new Error('Nothing was thrown')
}
