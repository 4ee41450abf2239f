import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { AuthConfigError, withAuth } from '../src/index.ts'
import { ConfigFileError, parseConfig } from '../src/yaml.ts'
import { isLinear } from './parsers/timed-parsers.ts'
import { errorOf, problemsOf } from './yaml/problems.ts'
import { runs } from './support/nightly.ts'

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

describe('parseConfig', () => {
  it('reads the endpoint of a run.yaml, and leaves the rest alone', () => {
    expect(parseConfig(SEED)).toEqual({ endpoint: ENDPOINT })
  })

  it('reads the endpoint where OGX has it, with options beside it', () => {
    expect(parseConfig(OGX)).toEqual({ endpoint: ENDPOINT, identity: 'required', timeoutMs: 2000 })
    const optional = OGX.replace('timeout_ms: 2000', 'identity: optional')
    expect(parseConfig(optional)).toEqual({ endpoint: ENDPOINT, identity: 'optional' })
  })

  it('reads a file with a byte order mark and the line ends of Windows', () => {
    expect(parseConfig(`\ufeff${SEED.replaceAll('\n', '\r\n')}`)).toEqual({ endpoint: ENDPOINT })
  })

  it('gives a config for withAuth, to which code adds functions', () => {
    const onEvent = vi.fn()
    withAuth(() => new Response(), { ...parseConfig(auth('mode: shadow')), onEvent })
    expect(onEvent).toHaveBeenCalledOnce()
  })

  it.each([
    ['an empty file', ''],
    ['no server', 'apis: [inference]'],
    ['an empty server', 'server:'],
    ['a server without auth', 'server: { port: 8321 }'],
  ])('rejects %s, unless the caller allows a missing section', (_, text) => {
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

  it('ignores a second section elsewhere where "server.auth" is there', () => {
    const text = `${SEED}auth: { endpoint: x }\nsever: { auth: { endpoint: x } }\n`
    expect(parseConfig(text)).toEqual({ endpoint: ENDPOINT })
    expect(parseConfig(`${auth('')}    \n  atuh: 1\n`)).toEqual({ endpoint: ENDPOINT })
  })

  it('reports all problems at once, each at its line and column, with a caret', () => {
    const text = auth('timeout_ms: -5\nretrys: 3\ncache: { allow_ttl_ms: 5, max_entries: 0 }\n')
    const error = errorOf(() => parseConfig(text, { path: 'run.yaml' }))
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
        `run.yaml:6:12: ${/"server.auth.cache" must be false .*/.exec(error.message)?.[0]}`,
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

  it.each(MANY)('stops after a hundred wrong %s, and says that there are more', (_, make) => {
    const refuse = (count: number): ConfigFileError =>
      errorOf(() => parseConfig(make(count), { env: {} }))
    expect(refuse(100).problems).toHaveLength(100)
    expect(refuse(100).message).toMatch(/\n\nand 50 more$/)
    expect(refuse(300).problems).toHaveLength(100)
    expect(refuse(300).message).toMatch(/\n\nand at least 51 more$/)
  })

  it.each(MANY)(
    'reports wrong %s in linear time',
    { tags: ['slow'], timeout: 120_000 },
    (_, make) => {
      const parse = (text: string): unknown => problemsOf(text)
      expect(isLinear(make, parse, 500)).toBe(true)
    },
  )

  it('names options in the spelling of the file, and lists problems as data', () => {
    expect(problemsOf('server: { auth: { endpoint: "http://h.example/" } }')).toEqual([
      {
        path: '<yaml>',
        line: 1,
        column: 29,
        key: 'server.auth.endpoint',
        optionPath: ['endpoint'],
        expected: 'an https URL (http only on loopback, or with `allowInsecureHttp`)',
        received: '"http://h.example/"',
        isSecret: false,
        message:
          '"server.auth.endpoint" must be an https URL (http only on loopback, or with "allow_insecure_http"), received "http://h.example/"',
        excerpt:
          '    server: { auth: { endpoint: "http://h.example/" } }\n                                ^',
      },
    ])
  })

  it(
    'gives a config for withAuth, or an error with places, for generated texts',
    { tags: ['slow'] },
    () => {
      const words = [
        `endpoint: ${ENDPOINT}`,
        '---\n',
        '%YAML 1.1\n',
        '\n  ',
        '\n    ',
        ...'server:,auth:,timeout_ms:,cache:,{,},[,],: ,- ,\n,&a ,*a,!!str ,",\',|,>,? ,#'.split(
          ',',
        ),
        ...',;\t;\u0085;\ufeff;${env.X};${env.;<<;5;~;__proto__: ;é;\ud800'.split(';'),
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
        { numRuns: runs(20_000) },
      )
      expect(Math.min(seen.config, seen.error)).toBeGreaterThan(runs(20_000) / 50)
    },
  )

  it('reads `__proto__` as a name like any other', () => {
    expect(problemsOf(auth('__proto__: { mode: shadow }'))[0]?.key).toBe('server.auth.__proto__')
    const config = parseConfig(auth('endpoint_headers: { __proto__: x }'))
    expect(Object.keys(config.endpointHeaders ?? {})).toEqual(['__proto__'])
    expect(parseConfig(`__proto__: { server: 1 }\n${SEED}`)).toEqual({ endpoint: ENDPOINT })
  })

  it('rejects a Buffer', () => {
    const text = Buffer.from(SEED) as unknown as string
    expect(() => parseConfig(text)).toThrow(
      new AuthConfigError('text', '"text" must be a string, received "object"'),
    )
  })

  it.each([
    [{ allowmissing: true }, 'Unknown option "options.allowmissing": did you mean "allowMissing"?'],
    [{ allowMissing: 'yes' }, '"options.allowMissing" must be true or false, received "yes"'],
    [{ env: 'x' }, '"options.env" must be an object of variables, received "x"'],
  ])('rejects the options %o', (options, message) => {
    expect(() => parseConfig(SEED, options as object)).toThrow(AuthConfigError)
    expect(() => parseConfig(SEED, options as object)).toThrow(message)
  })

  it('names the file as the caller does', () => {
    expect(() => parseConfig('a: 1')).toThrow(/^<yaml>:1:1: /)
    expect(() => parseConfig('a: 1', { path: 'b.yaml' })).toThrow(/^b\.yaml:1:1: /)
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
    ['realm: ${env.NO:+v}', {}],
    ['timeout_ms: ${env.MS}', { timeoutMs: 2000 }],
    ['endpoint_headers: { x-key: "${env.KEY}" }', { endpointHeaders: { 'x-key': '0123456' } }],
    ['endpoint_headers: { x-key: 0123456 }', { endpointHeaders: { 'x-key': '0123456' } }],
    ['public: ["/a", "${env.NO:+/b}"]', { public: ['/a'] }],
    ['unavailable_status: ${env.NO:=503}', { unavailableStatus: 503 }],
    ['request_id_header: ${env.NO:=false}', { requestIdHeader: false }],
  ])('converts %s to the type of the option', (line, options) => {
    expect(read(line)).toEqual({ endpoint: ENDPOINT, ...options })
  })

  it('is not used outside server.auth, nor in a key', () => {
    expect(parseConfig(`a: \${env.NO}\n${SEED}`, { env: {} })).toEqual({ endpoint: ENDPOINT })
    expect(problemsOf(auth('${env.KEY}: 1'), env)[0]?.message).toContain('Unknown option')
  })

  it('ignores variables that are not strings', () => {
    const numbers = { KEY: 5 } as unknown as Record<string, string>
    expect(problemsOf(auth('realm: ${env.KEY}'), numbers)[0]?.message).toContain('is not set')
  })

  it('ignores inherited variables', () => {
    const inherited = Object.create({ KEY: 'x' }) as Record<string, string>
    expect(problemsOf(auth('realm: ${env.KEY}'), inherited)[0]?.message).toContain('is not set')
  })

  it('names the missing permission where a variable cannot be read', () => {
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

function namesUpTo(count: number, separator = ', ', name = 'x'): string {
  return Array.from({ length: count }, (_, index) => `${name}${index}: é`).join(separator)
}
