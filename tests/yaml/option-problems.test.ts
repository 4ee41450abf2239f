import { describe, expect, it } from 'vitest'
import { checkConfig } from '../../src/yaml/option-problems.ts'
import { readText } from '../../src/yaml/parsed-file.ts'
import { inAuth, linesOf, problemsOf } from '../support/yaml-problems.ts'

const keysOf = (auth: string, env = {}): string[] =>
  problemsOf(`server: { auth: { endpoint: "https://h/", ${auth} } }`, env).map(({ key }) =>
    key.slice(12),
  )

const ENV = { BAD: 'hunter 1', PATH_: '/a b' }

describe('checkConfig', () => {
  it.each([
    [
      'retry: { attempts: 9 }, circuit_breaker: { open_ms: -1 }, timeout_ms: 0',
      ['retry.attempts', 'circuit_breaker.open_ms', 'timeout_ms'],
    ],
    [
      'public: [a, /b, /c/../d, { path: /e, methods: [get, PUT, put] }]',
      ['public[0]', 'public[2]', 'public[3].methods[0]', 'public[3].methods[2]'],
    ],
    [
      'credentials: [bearer, { header: authorization }, { cookie: "a b" }]',
      ['credentials[1].header', 'credentials[2].cookie'],
    ],
    ['credentials: { header: "a b" }', ['credentials.header']],
    [
      'endpoint_headers: { a.b: "é", host: x, ok: y }',
      ['endpoint_headers.a.b', 'endpoint_headers.host'],
    ],
    ['cache: { max_entries: 0 }', ['cache', 'cache.max_entries']],
    ['cache: {}, context: { headers: ["a b"], path: 1 }', ['context.headers[0]', 'context.path']],
    [
      'cache: {}, context: { hedders: [a] }, timeout_ms: 0, endpoint_headers: { a: é }',
      ['context.hedders', 'timeout_ms', 'endpoint_headers.a'],
    ],
    ['cache: 5, context: { hedders: [a] }', ['cache', 'context.hedders']],
    [
      'concurrency: { max_in_flight: 0, max_waiting: -1 }',
      ['concurrency.max_in_flight', 'concurrency.max_waiting'],
    ],
  ])('finds every cause, without its consequences: %s', (auth, keys) => {
    expect(keysOf(auth)).toEqual(keys)
  })

  it('hides values from the environment', () => {
    const env = { P: '/gehe im', N: 'gehe', S: 'two\nlines' }
    const [path, milliseconds, header, ...more] = problemsOf(
      inAuth('public: ["${env.P}"]\ntimeout_ms: "${env.N}"\nendpoint_headers: { x-s: "${env.S}" }'),
      env,
    )
    expect(more).toEqual([])
    const hidden = { isSecret: true, from: 'environment' }
    for (const problem of [path, milliseconds, header]) {
      expect(problem).toMatchObject(hidden)
      expect(problem).not.toHaveProperty('received')
      expect(problem).not.toHaveProperty('didYouMean')
      expect(problem?.message).toMatch(
        / \(its value comes from the environment and is not shown\)$/,
      )
    }
    expect(path?.expected).toBe('written as requests are compared')
  })

  it('shows a problem below a value at the nearest key of the file', () => {
    const [problem] = problemsOf(inAuth('public: [{ methods: [GET] }]'))
    expect(problem).toMatchObject({ key: 'server.auth.public[0].path', line: 4, column: 14 })
  })

  it('throws an error that is none of the options', () => {
    const failing = {
      get attempts(): number {
        throw new RangeError('broken')
      },
    }
    const given = { path: 'f', env: {}, allowMissing: false, hasEnforcingUpstream: false }
    const { section } = readText(inAuth('realm: x'), given)
    if (section === undefined) throw new Error('no section')
    expect(() => checkConfig({ retry: failing }, section.reading)).toThrow(RangeError)
  })
})

it.each<[text: string, ...lines: string[]]>([
  [
    'timeout_ms: 0\nrealm: "é hunter"\ncache: {}\n',
    '4:17 "server.auth.timeout_ms" must be a number of milliseconds from 1 to 60000, received 0 | timeout_ms: 0',
    '5:12 "server.auth.realm" must be a non-empty string of printable ASCII, without "scope=", "error=" and "resource_metadata=", received "é hunter" | realm: "é hunter"',
    '6:12 "server.auth.cache" must be false unless "context.headers" is a list: the cache compares everything that the endpoint is told, and with all headers no two requests are the same. List the headers that your endpoint decides by, such as context: { headers: [] } if it decides by the token alone | cache: {}',
  ],
  [
    'public: ["/a b", "${env.PATH_}", { path: /c, methods: [get, "${env.BAD}"] }]',
    '4:14 "server.auth.public[0]" must be written as requests are compared, received "/a b": did you mean "/a%20b"? | public: ["/a b", "*{*********}", { path: **, meth',
    '4:22 "server.auth.public[1]" must be written as requests are compared (its value comes from the environment and is not shown) | public: ["** *", "${env.PATH_}", { path: **, methods: [**',
    '4:60 "server.auth.public[2].methods[0]" must be a method in upper case, received "get" | public: ["** *", "*{*********}", { path: **, methods: [get, "*{*******}"] }]',
    '4:65 "server.auth.public[2].methods[1]" must be a method in upper case (its value comes from the environment and is not shown) | public: ["** *", "*{*********}", { path: **, methods: [***, "${env.BAD}"] }]',
  ],
])('says what is allowed in place of %j', (text, ...lines) => {
  expect(linesOf(inAuth(text), ENV)).toEqual(lines)
})
