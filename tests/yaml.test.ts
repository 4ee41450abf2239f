import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import fsPromises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthConfigError, withAuth } from '../src/index.ts'
import { ConfigFileError, loadConfig, parseConfig, watchConfig } from '../src/yaml.ts'
import { isLinear } from './parsers/timed-parsers.ts'
import { get } from './support/requests.ts'
import { problemsOf } from './support/yaml-problems.ts'
import type { WatchedConfig } from '../src/yaml.ts'

const ENDPOINT = 'https://auth.example.com/validate'
const SEED = `
version: '2'
image_name: demo
apis: [inference]
server:
  port: 8321
  auth:
    endpoint: ${ENDPOINT}
`
const OGX = `
server:
  auth:
    provider_config: { type: custom, endpoint: ${ENDPOINT} }
    timeout_ms: 2000
`
const auth = (lines: string): string =>
  `server:\n  auth:\n    endpoint: ${ENDPOINT}\n${lines.replace(/^(?=.)/gm, '    ')}\n`

const REFUSED_OPTIONS: [object, string, string][] = [
  [
    { allowmissing: true },
    'options.allowmissing',
    'Unknown option "options.allowmissing": did you mean "allowMissing"?',
  ],
  [
    { allowMissing: 'yes' },
    'options.allowMissing',
    '"options.allowMissing" must be true or false, received "yes"',
  ],
  [{ path: 5 }, 'options.path', '"options.path" must be a string, received 5'],
  [{ env: 'x' }, 'options.env', '"options.env" must be an object of variables, received "x"'],
  [
    { env: null },
    'options.env',
    '"options.env" must be left out or given a value (is a variable not set?), received null',
  ],
]

const BELOW = 'did you mean "auth" below "server"? Write it there, as a mapping with an "endpoint"'
const SECTION = `{ endpoint: "${ENDPOINT}" }`

/** A key that was probably meant as the section, in a file without `server`, and what is said of it. */
const BESIDE: [text: string, problem: string][] = [
  ...[
    'sever',
    'servre',
    'Server',
    'sserver',
    '_server',
    'serber',
    'servers',
    'srvr',
    'serv',
    'ser',
  ].flatMap((key): [string, string][] => [
    [`${key}: { auth: ${SECTION} }`, `1:1: "${key}" is not read: did you mean "server"?`],
    [`${key}: { a: 1, atuh: }`, `1:1: "${key}" is not read: did you mean "server"?`],
    [`${key}: ${SECTION}`, `1:1: "${key}" is not read: did you mean "server"?`],
  ]),
  ...['auth', 'Auth', '_auth', 'atuh', 'authentication', 'server_auth', 'au'].flatMap((key) =>
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
    ].map((value): [string, string] => [`${key}: ${value}`, `1:1: "${key}" is not read: ${BELOW}`]),
  ),
  ...[
    'server.auth',
    'sever.auth',
    'Server/Auth',
    'server:auth',
    'server.auth.endpoint',
    'server.aut.x.y',
  ].flatMap((key) =>
    [SECTION, '{ timeout_ms: 5 }', '', ENDPOINT, 'x'].map((value): [string, string] => [
      `${key}: ${value}`,
      `1:1: "${key}" is not read: ${BELOW}`,
    ]),
  ),
  [`server_auth_endpoint: ${ENDPOINT}`, `1:1: "server_auth_endpoint" is not read: ${BELOW}`],
  [`a: &a ${SECTION}\nauth: *a`, `2:1: "auth" is not read: ${BELOW}`],
  [`author: ${SECTION}`, `1:1: "author" is not read: ${BELOW}`],
]

const WITHIN: [text: string, problem: string][] = [
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
    'version',
    'image_name',
    'distro_name',
    'container_image',
    'apis',
    'providers',
    'models',
    'shields',
    'vector_dbs',
    'vector_stores',
    'datasets',
    'scoring_fns',
    'benchmarks',
    'tool_groups',
    'registered_resources',
    'metadata_store',
    'inference_store',
    'conversations_store',
    'storage',
    'logging',
    'telemetry',
    'safety',
    'connectors',
    'external_providers_dir',
    'external_apis_dir',
  ],
  server: [
    'port',
    'host',
    'workers',
    'insecure',
    'tls_certfile',
    'tls_keyfile',
    'tls_cafile',
    'tls_config',
    'hsts_max_age',
    'tenancy',
    'quota',
    'cors',
    'disable_ipv6',
    'registry_refresh_interval_seconds',
  ],
}

describe('parseConfig', () => {
  it('reads the endpoint of a run.yaml, and leaves the rest alone', () => {
    expect(parseConfig(SEED)).toEqual({ endpoint: ENDPOINT })
  })

  it('reads the endpoint where OGX has it, with options beside it', () => {
    expect(parseConfig(OGX)).toEqual({ endpoint: ENDPOINT, timeoutMs: 2000 })
  })

  it('reads a file with a byte order mark and the line ends of Windows', () => {
    expect(parseConfig(`\ufeff${SEED.replaceAll('\n', '\r\n')}`)).toEqual({ endpoint: ENDPOINT })
  })

  it('gives what withAuth takes, with functions added in code', () => {
    const onEvent = vi.fn()
    withAuth(() => new Response(), { ...parseConfig(auth('mode: shadow')), onEvent })
    expect(onEvent).toHaveBeenCalledOnce()
  })

  it.each([
    ['oauth2_token', '{ type: oauth2_token, jwks: { uri: x } }'],
    ['none', '{ endpoint: https://h/ }'],
    ['a switched off', '{ type: "${env.AUTH:+custom}", endpoint: https://h/ }'],
  ])('refuses %s provider type, and says which there is', (_, provider) => {
    const [problem] = problemsOf(`server: { auth: { provider_config: ${provider} } }`)
    expect(problem?.key).toBe('server.auth.provider_config.type')
    expect(problem?.message).toContain('must be "custom", the only type there is')
  })

  it.each([
    ['an empty file', ''],
    ['no server', 'apis: [inference]'],
    ['an empty server', 'server:'],
    ['a server without auth', 'server: { port: 8321 }'],
  ])('refuses %s, unless the caller says that it may be missing', (_, text) => {
    expect(problemsOf(text)).toMatchObject([{ key: 'server.auth' }])
    expect(parseConfig(text, { allowMissing: true })).toBeUndefined()
  })

  it.each([
    ['is there, and empty', 'server: { auth: }'],
    ['is there, and null', 'server: { auth: ~ }'],
    ['is a text', `server: { auth: '${ENDPOINT}' }`],
    ['is a mapping of nothing', 'server: { auth: {} }'],
    ['has no endpoint', 'server: { auth: { timeout_ms: 5 } }'],
    ['has an endpoint that came out empty', 'server: { auth: { endpoint: "${env.NO:=}" } }'],
    ['is spelled in another case', `server: { Auth: { endpoint: ${ENDPOINT} } }`],
    ['is spelled authentication', `server: { authentication: { endpoint: ${ENDPOINT} } }`],
    ['is in a server of another case', `Server: { auth: { endpoint: ${ENDPOINT} } }`],
    ['may be in a merge', `x: &x { auth: { endpoint: ${ENDPOINT} } }\nserver: { <<: *x }`],
    ['is in a second document', `a: 1\n---\nserver: { auth: { endpoint: ${ENDPOINT} } }`],
    ['has a key that is mistyped', auth('timeout: 5')],
  ])('never opens a server whose section %s', (_, text) => {
    expect(() => parseConfig(text, { allowMissing: true, env: {} })).toThrow(ConfigFileError)
  })

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
    'auth: { users: [alice] }',
    'auth: basic',
    'auth: [{ endpoint: x }]',
    'author: { name: x }',
    '? [auth]\n: { endpoint: x }',
    'a: { auth: { endpoint: x } }',
    'server: {}\nsevers: { port: 1 }\nserv:\nsrvr: [{ auth: { endpoint: x } }]',
    'server: {}\nauth: { server: { endpoint: x } }\n? { auth: x }\n: 1',
    `server: {}\nauthor:\nAuthors: ${ENDPOINT}`,
    'server: {}\nauthors: { url: x }',
    'server: {}\nobserver.auth: 1\nserver.port: 1\nserver.author: 1',
    'server: { endpoints: { health: /health }, endpoint: [] }',
    'server: { cors: { auth: true }, tls: { author: { name: x } }, a: { b: { auth: { endpoint: x } } } }',
    'server: { ? [a] : { b: 1 }, c: { d: { endpoint: x } } }',
    'service: {}\nservices: {}\nobserver: {}\n_: {}\n"": {}',
    'server: { path: /, out: x, _: 1, "": 1 }',
  ])('takes no other key for a mistyped one: %j', (text) => {
    expect(parseConfig(text, { allowMissing: true })).toBeUndefined()
  })

  it('leaves a section elsewhere alone where "server.auth" is there', () => {
    const text = `${SEED}auth: { endpoint: x }\nsever: { auth: { endpoint: x } }\n`
    expect(parseConfig(text)).toEqual({ endpoint: ENDPOINT })
    expect(parseConfig(`${auth('')}    \n  atuh: 1\n`)).toEqual({ endpoint: ENDPOINT })
  })

  it('reports all problems at once, each at its line and column, with a caret', () => {
    const text = auth('timeout_ms: -5\nretrys: 3\ncache: { allow_ttl_ms: 5, max_entries: 0 }\n')
    const error = catchError(() => parseConfig(text, { path: 'run.yaml' }))
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error.message).toBe(
      [
        'run.yaml:4:17: "server.auth.timeout_ms" must be a number of milliseconds from 1 to 60000, received -5',
        '        timeout_ms: -5',
        '                    ^',
        '',
        'run.yaml:5:5: Unknown option "server.auth.retrys": did you mean "retry"?',
        '        retrys: *',
        '        ^',
        '',
        `run.yaml:6:12: ${/"server.auth.cache" needs .*/.exec(error.message)?.[0]}`,
        '        cache: {allow_ttl_ms: *, max_entries: *}'.replace('{', '{ ').replace('}', ' }'),
        '               ^',
        '',
        'run.yaml:6:44: "server.auth.cache.max_entries" must be a whole number from 1 to 1000000, received 0',
        '        cache: { allow_ttl_ms: *, max_entries: 0 }',
        '                                               ^',
      ].join('\n'),
    )
  })

  const MANY: [what: string, make: (count: number) => string][] = [
    ['paths', (count) => auth(`public: [${'x, '.repeat(count)}]`)],
    ['headers', (count) => auth(`endpoint_headers: { ${namesUpTo(count)} }`)],
    ['options', (count) => auth(namesUpTo(count, '\n'))],
    ['variables', (count) => auth(`public: [${'"${env.NO}", '.repeat(count)}]`)],
    ['repeated names', (count) => `${'x: 1\n'.repeat(count + 1)}${auth('')}`],
    ['misspelled names', (count) => namesUpTo(count, '\n', 'server')],
    ['unknown tags', (count) => `a: [${'!x y, '.repeat(count)}]`],
  ]

  it.each(MANY)('stops after a hundred wrong %s, and says so', (_, make) => {
    const refuse = (count: number): ConfigFileError =>
      catchError(() => parseConfig(make(count), { env: {} }))
    expect(refuse(100).problems).toHaveLength(100)
    expect(refuse(100).message).toMatch(/\n\nand 50 more$/)
    expect(refuse(300).problems).toHaveLength(100)
    expect(refuse(300).message).toMatch(/\n\nand at least 51 more$/)
  })

  it.each(MANY)(
    'finds wrong %s in linear time',
    { tags: ['slow'], timeout: 120_000 },
    (_, make) => {
      const parse = (text: string): unknown => problemsOf(text)
      expect(isLinear(make, parse, 500)).toBe(true)
    },
  )

  it('names options in the spelling of the file', () => {
    const [problem] = problemsOf('server: { auth: { endpoint: "http://h.example/" } }')
    expect(problem?.message).toContain('with "allow_insecure_http": true')
  })

  it.each(['verifier', 'on_event', 'respond', 'fetch'])(
    'says that %s is a function, and belongs in code',
    (key) => {
      const [problem] = problemsOf(auth(`${key}: x`))
      expect(problem?.message).toMatch(
        /is a function.*withAuth\(handler, \{ \.\.\.config, \w+ \}\)/,
      )
    },
  )

  it.each(['route_policy: []', 'access_policy: []', 'provider_type: custom'])(
    'refuses %s, which a server must not ignore',
    (line) => {
      expect(problemsOf(auth(line))[0]?.message).toContain('is not supported')
    },
  )

  it('refuses an endpoint that is given twice', () => {
    const text = auth(`provider_config: { type: custom, endpoint: ${ENDPOINT} }`)
    expect(problemsOf(text)[0]?.message).toContain('answer the same question')
  })

  it(
    'gives a config that withAuth takes, or an error with places, for whatever text (G-18)',
    { tags: ['slow'] },
    () => {
      const words = [
        'server:',
        'auth:',
        `endpoint: ${ENDPOINT}`,
        'timeout_ms:',
        'cache:',
        '{',
        '}',
        '[',
        ']',
        ',',
        ': ',
        '- ',
        '\n',
        '\n  ',
        '\n    ',
        '&a ',
        '*a',
        '!!str ',
        '"',
        "'",
        '|',
        '>',
        '? ',
        '#',
        '---\n',
        '%YAML 1.1\n',
        '\t',
        '\u0085',
        '\ufeff',
        '${env.X}',
        '${env.',
        '<<',
        '5',
        '~',
        '__proto__: ',
        'é',
        '\ud800',
      ]
      const prefix = `server:\n  auth:\n    endpoint: ${ENDPOINT}\n    `
      const text = fc.tuple(
        fc.constantFrom('', prefix),
        fc.array(fc.constantFrom(...words), { maxLength: 12 }),
      )
      const seen = { config: 0, error: 0 }
      fc.assert(
        fc.property(text, ([start, rest]) => {
          const problems = problemsOf(`${start}${rest.join('')}`, { X: 'x' })
          seen[problems.length === 0 ? 'config' : 'error'] += 1
          expect(
            problems.filter(
              ({ line, column, message }) => line < 1 || column < 1 || message === '',
            ),
          ).toEqual([])
          if (problems.length === 0)
            withAuth(
              () => new Response(),
              parseConfig(`${start}${rest.join('')}`, { env: { X: 'x' } }),
            )
        }),
        { numRuns: 20_000 },
      )
      expect(Math.min(seen.config, seen.error)).toBeGreaterThan(100)
    },
  )

  it('takes `__proto__` for a name like any other', () => {
    expect(problemsOf(auth('__proto__: { mode: shadow }'))[0]?.key).toBe('server.auth.__proto__')
    const config = parseConfig(auth('endpoint_headers: { __proto__: x }'))
    expect(Object.keys(config.endpointHeaders ?? {})).toEqual(['__proto__'])
    expect(parseConfig(`__proto__: { server: 1 }\n${SEED}`)).toEqual({ endpoint: ENDPOINT })
  })

  it('refuses what is no text', () => {
    const text = Buffer.from(SEED) as unknown as string
    expect(() => parseConfig(text)).toThrow(
      new AuthConfigError('text', '"text" must be a string, received "object"'),
    )
  })

  it.each(REFUSED_OPTIONS)('refuses the options %o', (options, option, message) => {
    const refused = new AuthConfigError(option, message)
    expect(() => parseConfig(SEED, options)).toThrow(refused)
  })

  it('calls the file what it is told to', () => {
    expect(() => parseConfig('a: 1')).toThrow(/^<yaml>:1:1: /)
    expect(() => parseConfig('a: 1', { path: 'b.yaml' })).toThrow(/^b\.yaml:1:1: /)
  })

  it.each([
    ['bearer', 'bearer'],
    ['{ header: x-key }', { header: 'x-key' }],
    ['{ cookie: session }', { cookie: 'session' }],
    ['{ web_socket_protocol: key. }', { webSocketProtocol: 'key.' }],
    ['[bearer, { header: x-key }]', ['bearer', { header: 'x-key' }]],
  ])('reads credentials: %s', (text, credentials) => {
    expect(parseConfig(auth(`credentials: ${text}`))).toEqual({ endpoint: ENDPOINT, credentials })
  })
})

describe('the environment', () => {
  const env = {
    HOST: 'auth.example.com',
    KEY: '0123456',
    EMPTY: '',
    MS: '2000',
    EVIL: '${env.KEY}',
  }
  const read = (line: string): unknown => parseConfig(auth(line), { env })

  it.each([
    ['realm: a${env.KEY}b${env.MS}', { realm: 'a0123456b2000' }],
    ['realm: $${env.MS}', { realm: '$2000' }],
    ['realm: ${env.NO:=d e}', { realm: 'd e' }],
    ['realm: ${env.EMPTY:=d}', { realm: 'd' }],
    ['realm: ${env.KEY:=d}', { realm: '0123456' }],
    ['realm: ${env.KEY:+v}', { realm: 'v' }],
    ['realm: x${env.NO:+v}', { realm: 'x' }],
    ['realm: ${env.NO:+v}', {}],
    ['realm: ${env.NO:=}', {}],
    ['realm: ${env.EVIL}', { realm: '${env.KEY}' }],
    ['realm: ${env.NO:=$}{env.KEY}', { realm: '${env.KEY}' }],
    ['timeout_ms: ${env.MS}', { timeoutMs: 2000 }],
    ['timeout_ms: ${env.NO:=1e3}', { timeoutMs: 1000 }],
    ['retry: ${env.NO:=False}', { retry: false }],
    ['allow_insecure_http: ${env.NO:=TRUE}', { allowInsecureHttp: true }],
    ['endpoint_headers: { x-key: "${env.KEY}" }', { endpointHeaders: { 'x-key': '0123456' } }],
    ['endpoint_headers: { x-key: 0123456 }', { endpointHeaders: { 'x-key': '0123456' } }],
    ['endpoint_headers: { x-key: "${env.NO:=true}" }', { endpointHeaders: { 'x-key': 'true' } }],
    ['public: ["/a", "${env.NO:+/b}"]', { public: ['/a'] }],
    ['unavailable_status: ${env.NO:=503}', { unavailableStatus: 503 }],
    ['request_id_header: ${env.NO:=X-Request-Id}', { requestIdHeader: 'X-Request-Id' }],
    ['request_id_header: ${env.NO:=false}', { requestIdHeader: false }],
  ])('makes of %s what the field is', (line, options) => {
    expect(read(line)).toEqual({ endpoint: ENDPOINT, ...options })
  })

  it.each([
    ['${env.NO}', '"NO" is not set, or empty'],
    ['${env.EMPTY}', '"EMPTY" is not set, or empty'],
    ['${env.NO:d}', 'written ${env.NO:=default}'],
    ['${env.KEY:d}', 'written ${env.KEY:=default}'],
    ['${env.KEY:}', 'written ${env.KEY:=default}'],
    ['${env.KEY:-d}', 'written ${env.KEY:=default}'],
    ['${env.KEY-d}', 'written ${env.KEY:=default}'],
    ['${env.KEY+d}', 'written ${env.KEY:=default}'],
    ['${env.key}', 'is written ${env.NAME}'],
    ['${env.}', 'is written ${env.NAME}'],
    ['${env.KEY', 'is written ${env.NAME}'],
    ['${KEY}', 'write ${env.KEY}'],
    ['${KEY:-d}', 'write ${env.KEY:=default}'],
    ['${env.NO:=${env.KEY}}', 'cannot hold "${"'],
  ])('refuses %s in a value, and names the path', (text, said) => {
    const [problem, ...others] = problemsOf(auth(`realm: '${text}'`), env)
    expect(problem?.message).toContain(said)
    expect(problem?.message).toContain('"server.auth.realm"')
    expect(others).toEqual([])
  })

  it('is not looked at outside of server.auth, nor in a key', () => {
    expect(parseConfig(`a: \${env.NO}\n${SEED}`, { env: {} })).toEqual({ endpoint: ENDPOINT })
    expect(problemsOf(auth('${env.KEY}: 1'), env)[0]?.message).toContain('Unknown option')
  })

  it('is process.env when none is given', () => {
    vi.stubEnv('WITH_AUTH_REALM', 'from-the-process')
    expect(parseConfig(auth('realm: ${env.WITH_AUTH_REALM}'))).toMatchObject({
      realm: 'from-the-process',
    })
  })

  it('has no variables but texts', () => {
    const numbers = { KEY: 5 } as unknown as Record<string, string>
    expect(problemsOf(auth('realm: ${env.KEY}'), numbers)[0]?.message).toContain('is not set')
  })

  it('has no variables that an object inherits', () => {
    const inherited = Object.create({ KEY: 'x' }) as Record<string, string>
    expect(problemsOf(auth('realm: ${env.KEY}'), inherited)[0]?.message).toContain('is not set')
  })

  it('says which permission is missing where it cannot be read', () => {
    const denied = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('no')
        },
      },
    )
    expect(problemsOf(auth('realm: ${env.KEY}'), denied)[0]?.message).toContain('--allow-env=KEY')
  })
})

describe('an error shows no secret', () => {
  const secret = 'gehe im\u00e9nis'
  const lines = [
    'endpoint_headers: { x-key: "gehe${SECRET}im\u00e9nis" }',
    'endpoint_headers: { x-key: "gehe${im\u00e9nis" }',
    'endpoint_headers: { x-key: "${gehe}" }',
    'endpoint_headers: { x-key: "gehe${GEHE}" }',
    'endpoint_headers: { x-key: "gehe${GEHE:-d}" }',
    'realm: "a@b${GEHE}"',
    'endpoint_headers: { x-key: "${env.NO:=gehe${im\u00e9nis}" }',
    'realm: "a@b${gehe}"',
    'endpoint_headers: { x-key: "${env.SECRET}" }',
    'endpoint_headers: { x-key: "gehe im\u00e9nis" }',
    'endpoint_headers: { x-key: ["gehe im\u00e9nis"] }',
    'realm: ${env.SECRET}',
    'mode: ${env.SECRET}',
    'timeout_ms: ${env.SECRET}',
    'public: ["/${env.SECRET}"]',
    'public: [{ path: "/a", methods: ["${env.SECRET}"] }]',
    'credentials: ${env.SECRET}',
    'credentials: [{ header: "${env.SECRET}" }]',
    'context: { headers: ["${env.SECRET}"] }',
    'cache: ${env.SECRET}',
    'realm: { a: gehe im\u00e9nis }',
    '"a": !gehe im\u00e9nis',
    '"a": *gehe im\u00e9nis',
    '"a": "\\xgehe im\u00e9nis',
    '"a": @gehe im\u00e9nis',
    'a: [gehe im\u00e9nis',
    'timeout_ms: -1 # gehe im\u00e9nis',
    'endpoint_headers: gehe im\u00e9nis',
    'endpoint_headers: x-key:gehe',
    'endpoint_headers: [gehe im\u00e9nis]',
    'endpoint_headers: { x-key:gehe }',
    'endpoint_headers: { gehe }',
    'endpoint_headers: { ? [gehe] : x }',
  ]

  it.each(lines)('%s', (line) => {
    const error = catchError(() => parseConfig(auth(line), { env: { SECRET: secret } }))
    const shown = `${error.message} ${JSON.stringify(error.problems)} ${error.stack}`
    expect(shown).not.toMatch(/gehe|nis\b|%C3/i)
  })

  it.each([
    'server: { auth: { endpoint:https://u:gehe@h } }',
    'server: { auth: { fetch, gehe } }',
    'server: { auth:gehe }',
    '{ server:gehe }',
    'users: { gehe, gehe }',
    '? gehe\n? gehe\n',
    'server: { auth: { provider_config: { type: { client_secret: gehe } } } }',
    'server: { auth: { provider_config: { type: "https://u:gehe@h" } } }',
  ])('nor one that stands where a key should: %s', (text) => {
    const error = catchError(() => parseConfig(text, { env: {} }))
    expect(`${error.message} ${JSON.stringify(error.problems)}`).not.toContain('gehe')
  })

  it.each(['cache: redis://:gehe@h', 'mode: "https://h/?gehe"', 'public: ["/a b?gehe"]'])(
    'of a URL where none is expected nothing: %s',
    (line) => {
      const error = catchError(() => parseConfig(auth(line)))
      expect(`${error.message} ${JSON.stringify(error.problems)}`).not.toContain('gehe')
    },
  )

  it('of a URL neither password nor query', () => {
    const text = 'server: { auth: { endpoint: "http://u:gehe@h/?gehe" } }'
    const error = catchError(() => parseConfig(text))
    expect(error.message).toContain('***@h/')
    expect(error.message).not.toContain('gehe')
  })

  it('of the environment not even in an endpoint', () => {
    const error = catchError(() =>
      parseConfig('server: { auth: { endpoint: "${env.URL}" } }', { env: { URL: 'http://gehe/' } }),
    )
    expect(error.message).toContain('must be an https URL')
    expect(error.message).not.toContain('gehe')
  })
})

describe('a file', () => {
  let folder: string
  let file: string
  let watched: WatchedConfig | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'with-auth-yaml-'))
    file = join(folder, 'run.yaml')
    writeFileSync(file, SEED)
  })
  afterEach(() => {
    watched?.close()
    watched = undefined
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is loaded, with the options of a text', async () => {
    expect(await loadConfig(file)).toEqual({ endpoint: ENDPOINT })
    writeFileSync(file, 'a: 1')
    expect(await loadConfig(file, { allowMissing: true })).toBeUndefined()
    await expect(loadConfig(file)).rejects.toThrow(`${file}:1:1: "server.auth" is missing`)
  })

  it.each([
    ['is not there', 'no.yaml', /no\.yaml: The file cannot be read: it does not exist$/],
    ['is a folder', '.', /it is a folder, not a regular file/],
  ])('that %s is an error of its own', async (_, name, message) => {
    await expect(loadConfig(join(folder, name))).rejects.toThrow(message)
    await expect(loadConfig(join(folder, name))).rejects.toBeInstanceOf(ConfigFileError)
  })

  it('that cannot be read is the one problem there is', async () => {
    const path = join(folder, 'no.yaml')
    const message = 'The file cannot be read: it does not exist'
    const problems = [{ path, line: 0, column: 0, key: '', message, excerpt: '' }]
    await expect(loadConfig(path)).rejects.toMatchObject({ problems, option: '' })
  })

  it.each(['', 5, new URL('file:///a.yaml')])('is not named by %o', async (path) => {
    const message = '"path" must be the name of a file, received '
    const named = { option: 'path', message: expect.stringContaining(message) as string }
    await expect(loadConfig(path as string)).rejects.toMatchObject(named)
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    await expect(watchConfig(path as string, observers)).rejects.toMatchObject(named)
  })

  it('that fails while it is read shows nothing of why', async () => {
    const handle = {
      stat: async () => {
        throw new Error('gehe imenis')
      },
      close: async () => undefined,
    }
    const open = async () => handle
    const stat = async () => ({ isFile: () => true })
    vi.stubGlobal('process', { getBuiltinModule: () => ({ open, stat, constants: {} }) })
    const loading = loadConfig('a.yaml').finally(() => vi.unstubAllGlobals())
    await expect(loading).rejects.toMatchObject({
      message: 'a.yaml: The file cannot be read: an error while reading',
    })
  })

  it('is read with the variables that are given, or those of the process', async () => {
    vi.stubEnv('WITH_AUTH_REALM', 'from-the-process')
    writeFileSync(file, auth('realm: ${env.WITH_AUTH_REALM}'))
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    const realms = async (options: { env?: Record<string, string> }): Promise<unknown[]> => {
      const loaded = await loadConfig(file, options)
      watched = await watchConfig(file, { ...observers, ...options })
      watched.close()
      return [loaded.realm, watched.config.realm]
    }
    expect(await realms({})).toEqual(['from-the-process', 'from-the-process'])
    expect(await realms({ env: { WITH_AUTH_REALM: 'given' } })).toEqual(['given', 'given'])
    await expect(realms({ env: {} })).rejects.toThrow('"WITH_AUTH_REALM" is not set')
    const watching = watchConfig(file, { ...observers, env: {} })
    await expect(watching).rejects.toThrow(`${file}:4:12: "server.auth.realm"`)
  })

  /** How often a file was read since then. */
  function countReads(): () => number {
    const look = vi.spyOn(fsPromises, 'stat')
    const before = look.mock.calls.length
    return () => look.mock.calls.length - before
  }

  async function watch(env: Record<string, string> = {}) {
    const onChange = vi.fn()
    const onError = vi.fn()
    watched = await watchConfig(file, { env, onChange, onError, intervalMs: 10 })
    return { onChange, onError, watched }
  }
  const enough = { timeout: 5000 }

  it('that is watched is read again when it changes', async () => {
    const { onChange, onError, watched: watch_ } = await watch()
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    expect(onChange).toHaveBeenCalledWith({ endpoint: ENDPOINT, timeoutMs: 2000 })
    expect(watch_.config.timeoutMs).toBe(2000)
    expect(onError).not.toHaveBeenCalled()
  })

  it.each([
    ['a comment', OGX.replace('\n', '\n# why\n')],
    ['the order of keys', OGX.replace(/( +provider.*\n)( +timeout.*\n)/, '$2$1')],
    ['the spelling', auth('"timeout_ms": ${env.NO:=2e3} # as before')],
    ['nothing', OGX],
  ])('that is watched and changed in %s has not changed', async (_, same) => {
    writeFileSync(file, OGX)
    const { onChange, onError, watched: watch_ } = await watch({ NO: '' })
    const { config } = watch_
    const reads = countReads()
    writeFileSync(`${file}.new`, same)
    renameSync(`${file}.new`, file)
    await vi.waitFor(() => expect(reads()).toBeGreaterThan(4), enough)
    expect(onChange).not.toHaveBeenCalled()
    writeFileSync(file, 'server: 1')
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), enough)
    writeFileSync(file, same)
    utimesSync(file, 1, 1)
    const repaired = countReads()
    await vi.waitFor(() => expect(repaired()).toBeGreaterThan(4), enough)
    expect(onChange).not.toHaveBeenCalled()
    expect(watch_.config).toBe(config)
    const changed = same.replace(/2000|2e3/, '2001')
    writeFileSync(file, changed)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    writeFileSync(file, `${changed}# again`)
    const later = countReads()
    await vi.waitFor(() => expect(later()).toBeGreaterThan(4), enough)
    expect(onChange).toHaveBeenCalledOnce()
  })

  it.each([
    [
      'an order that means something',
      'credentials: [bearer, { header: x }]',
      'credentials: [{ header: x }, bearer]',
    ],
    ['a header', 'endpoint_headers: { __proto__: a }', 'endpoint_headers: { __proto__: b }'],
    ['one that is left out', 'realm: api', ''],
  ])('that is watched and changed in %s has changed', async (_, before, after) => {
    writeFileSync(file, auth(before))
    const { onChange } = await watch()
    writeFileSync(file, auth(after))
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
  })

  it('that is watched and replaced by another is read too', async () => {
    const { onChange } = await watch()
    writeFileSync(`${file}.new`, OGX)
    renameSync(`${file}.new`, file)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
  })

  it('that is a pipe is neither waited for nor watched', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const message = `${pipe}: The file cannot be read: it is a named pipe, not a regular file`
    await expect(loadConfig(pipe)).rejects.toThrow(message)
    const { onChange, onError } = await watch()
    await expect(watchConfig(pipe, { onChange, onError })).rejects.toThrow(message)
    renameSync(pipe, file)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), enough)
    expect(String(onError.mock.calls[0]?.[0])).toContain('it is a named pipe')
    writeFileSync(`${file}.new`, OGX)
    renameSync(`${file}.new`, file)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
  })

  it('that Kubernetes links to is read, and read again when the link moves', async () => {
    rmSync(file)
    for (const [name, text] of Object.entries({ one: SEED, two: OGX })) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'run.yaml'), text)
    }
    symlinkSync('one', join(folder, '..data'))
    symlinkSync('..data/run.yaml', file)
    const { onChange, watched: watch_ } = await watch()
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    symlinkSync('two', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    expect(watch_.config.timeoutMs).toBe(2000)
  })

  it('that breaks while it is watched changes nothing, and is told once (A-N9)', async () => {
    const { onChange, onError, watched: watch_ } = await watch()
    writeFileSync(file, 'server: { auht: {} }')
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), enough)
    expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(ConfigFileError)
    rmSync(file)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(2), enough)
    expect(String(onError.mock.calls[1]?.[0])).toContain('it does not exist')
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    expect(onChange).not.toHaveBeenCalled()
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    expect(onError).toHaveBeenCalledTimes(2)
  })

  it('that can be used again with the config that it had calls onRecover, and not onChange', async () => {
    const [onChange, onError, onRecover] = [vi.fn(), vi.fn(), vi.fn()]
    watched = await watchConfig(file, { onChange, onError, onRecover, intervalMs: 10 })
    for (const times of [1, 2]) {
      writeFileSync(file, 'server: 1')
      await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(times), enough)
      expect(onRecover).toHaveBeenCalledTimes(times - 1)
      writeFileSync(file, `${SEED}# again`)
      await vi.waitFor(() => expect(onRecover).toHaveBeenCalledTimes(times), enough)
    }
    expect(onChange).not.toHaveBeenCalled()
    rmSync(file)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(3), enough)
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    const later = countReads()
    writeFileSync(file, `${OGX}# again`)
    await vi.waitFor(() => expect(later()).toBeGreaterThan(4), enough)
    expect(onRecover).toHaveBeenCalledTimes(2)
  })

  it('that is watched tells a failing observer of its failure, and goes on', async () => {
    const onError = vi.fn(() => {
      throw new Error('deaf')
    })
    const onChange = vi.fn(() => {
      throw new Error('busy')
    })
    watched = await watchConfig(file, { onChange, onError, intervalMs: 10 })
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(new Error('busy')), enough)
    writeFileSync(file, SEED)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), enough)
    writeFileSync(file, `${SEED}# again`)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3), enough)
  })

  it('that cannot be used is not watched, nor one with options that cannot', async () => {
    writeFileSync(file, 'a: 1')
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    await expect(watchConfig(file, observers)).rejects.toBeInstanceOf(ConfigFileError)
  })

  it.each([
    [
      { intervalMs: 9 },
      '"options.intervalMs" must be a number of milliseconds from 10 to 3600000, received 9',
    ],
    [
      { intervalMs: 3_600_001 },
      '"options.intervalMs" must be a number of milliseconds from 10 to 3600000, received 3600001',
    ],
    [{ onChange: 5 }, '"options.onChange" must be a function, received 5'],
    [{ onError: 5 }, '"options.onError" must be a function, received 5'],
    [{ onRecover: 5 }, '"options.onRecover" must be a function, received 5'],
    [
      { allowMissing: true },
      'Unknown option "options.allowMissing": known are env, onChange, onError, onRecover, intervalMs',
    ],
    [
      { env: undefined },
      '"options.env" must be left out or given a value (is a variable not set?), received undefined',
    ],
  ])('is not watched with %o', async (options, message) => {
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    const watching = watchConfig(file, { ...observers, ...options } as never)
    await expect(watching).rejects.toThrow(
      new AuthConfigError(message.split('"')[1] ?? '', message),
    )
  })

  it('is not loaded with options that there are not', async () => {
    await expect(loadConfig(file, { path: 'x' } as object)).rejects.toMatchObject({
      option: 'options.path',
      message: 'Unknown option "options.path": known are env, allowMissing',
    })
  })

  it('loaded guards a handler', async () => {
    const fetch = vi.fn(async () => new Response(null, { status: 403 }))
    const guarded = withAuth(() => new Response('in'), { ...(await loadConfig(file)), fetch })
    expect((await guarded(get('/', 'k1'))).status).toBe(401)
    expect(fetch).toHaveBeenCalledOnce()
  })
})

function namesUpTo(count: number, separator = ', ', name = 'x'): string {
  return Array.from({ length: count }, (_, index) => `${name}${index}: é`).join(separator)
}

function catchError(run: () => unknown): ConfigFileError {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigFileError) return error
    throw error
  }
  throw new Error('Nothing was thrown')
}
