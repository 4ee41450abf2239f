import { Ajv } from 'ajv'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { OPTIONS as TABLE } from '../src/core/config/options.ts'
import { keyOf } from '../src/yaml/setting.ts'
import { runs } from './support/nightly.ts'
import { createSchema, formatJson } from './support/option-schema.ts'
import { resource, routeRule } from './support/policy-sections.ts'
import { PROVIDER_ROWS } from './support/provider-rows.ts'
import { problemsOf } from './support/yaml-problems.ts'

const RUNS = runs(10_000)
const TIMEOUT_MS = 120_000

const schema = createSchema()
const check = new Ajv({
  strict: true,
  allowUnionTypes: true,
  strictRequired: false,
  strictTypes: false,
}).compile(schema)

/** Whatever a text can hold, now right, now wrong. */
const anything = fc.constantFrom<unknown>(
  null,
  true,
  false,
  0,
  -1,
  1.5,
  401,
  '',
  'x',
  [],
  ['x'],
  {},
  { x: 1 },
)
/** Dollar signs that begin no reference; a brace behind one is an error. */
const DOLLARS = ['$x', 'a$', '${X}', 'a ${X}', '${', '${env.x}', '${env.X:d}', '${env.X:=${Y}}']
const number = fc.oneof(
  fc.constantFrom(
    0,
    1,
    5,
    10,
    100,
    1000,
    30_000,
    60_000,
    60_001,
    65_536,
    1e6,
    3.6e6,
    2 ** 30,
    2 ** 31,
  ),
  fc.double({ min: -1, max: 1.5, noNaN: true }),
  fc.nat(),
  anything,
)
const flag = fc.oneof(fc.boolean(), anything)
const token = fc.oneof(
  fc.constantFrom(
    'x-api-key',
    'authorization',
    'Cookie',
    'session',
    'a.b',
    'a b',
    'é',
    '',
    'host',
    'TE',
    'x:y',
    'x-~|',
  ),
  anything,
)
const endpoint = fc.constantFrom(
  'https://h.example/v',
  'HTTPS://h/?a=b',
  'http://h/',
  'http://localhost:8080/x',
  'http://127.0.0.1',
  'http://[::1]:80/',
  'http://127.0.0.1.nip.io/',
  'https://u:p@h/',
  'https://h/#f',
  'https://h/@x',
  'ftp://h/',
  '/x',
  '',
  'https:///x',
  'https://h/ x',
  'https://h\\x',
  'https://h/$x',
  'https://h/${X}',
  'https://h/${env.X',
  5,
  null,
)
const path = fc.oneof(
  fc
    .string({
      unit: fc.constantFrom(
        '/',
        '.',
        'a',
        'B',
        '*',
        '%2f',
        '%41',
        '%20',
        '%',
        ';',
        '?',
        '#',
        '\\',
        'é',
        '~',
        ' ',
        '{',
        '[',
        '%5C',
        '%00',
        '%2E',
      ),
      maxLength: 5,
    })
    .map((text) => `/${text}`),
  fc.constantFrom<unknown>(
    '/docs/*',
    '/a/b',
    '/*',
    'a',
    '/a/*/b',
    '/..;/a',
    '/.%3b',
    '/a/;',
    '/%2561',
    '/100%25',
  ),
  anything,
)
const method = fc.constantFrom<unknown>('GET', 'POST', 'get', 'M-SEARCH', 'A B', '', null, 5)
const headerValue = fc.oneof(
  fc.constantFrom<unknown>('secret', 'two words', ' x', 'x ', 'é', '', 5, true, null, ...DOLLARS),
  anything,
)
const choice = (...words: unknown[]) => fc.oneof(fc.constantFrom(...words), anything)
const some = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(model, { requiredKeys: [] })
const rarely = <T>(other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: other }, { weight: 1, arbitrary: anything })

const source = fc.oneof(
  fc.constantFrom<unknown>('bearer', 'Bearer', { header: 'x', cookie: 'y' }),
  some({ header: token }),
  some({ cookie: token, web_socket_protocol: token }),
  some({ hedder: token }),
)
const OPTIONS = {
  endpoint,
  provider_config: rarely(
    some({
      type: fc.constantFrom('custom', 'custom', 'kubernetes'),
      endpoint,
      more: anything,
    }),
  ),
  allow_insecure_http: flag,
  endpoint_headers: rarely(fc.dictionary(token.map(String), headerValue, { maxKeys: 2 })),
  context: rarely(
    some({
      headers: fc.oneof(fc.constantFrom<unknown>('all', []), fc.array(token, { maxLength: 2 })),
      params: choice('values', 'lists', 'none'),
      path: flag,
      method: flag,
    }),
  ),
  credentials: fc.oneof(source, fc.array(source, { maxLength: 2 }), anything),
  token_format: choice('token68', 'visible-ascii'),
  identity: choice('optional', 'required'),
  tenant_field: fc.constantFrom<unknown>('tenant', 'org.id', ''),
  tenant: rarely(
    fc.oneof(
      fc.constant(false),
      some({ default: fc.constantFrom('acme', 'a-1', '', 'A', 'a/b'), mode: choice('multi') }),
    ),
  ),
  resource: rarely(resource),
  route_policy: rarely(fc.array(fc.oneof(routeRule, anything), { maxLength: 2 })),
  timeout_ms: number,
  retry: fc.oneof(
    fc.constant(false),
    some({ attempts: number, min_delay_ms: number }),
    some({ attempts: fc.nat(6), max_delay_ms: fc.constantFrom(50, 250, 60_000, 60_001) }),
    anything,
  ),
  circuit_breaker: fc.oneof(
    fc.constant(false),
    some({ min_checks: number, failure_ratio: number, window_ms: number, open_ms: number }),
    anything,
  ),
  concurrency: rarely(some({ max_in_flight: number, max_waiting: number })),
  cache: fc.oneof(
    fc.constant(false),
    some({
      allow_ttl_ms: number,
      deny_ttl_ms: number,
      stale_if_error_ms: number,
      max_entries: number,
      max_bytes: number,
    }),
    anything,
  ),
  unavailable_status: choice(401, 503, 500, '401'),
  public: rarely(
    fc.array(fc.oneof(path, some({ path, methods: fc.array(method, { maxLength: 2 }) })), {
      maxLength: 2,
    }),
  ),
  preflight: choice('deny', 'allow'),
  mode: choice('enforce', 'shadow'),
  realm: fc.oneof(fc.constantFrom('api', 'é', '', 'a "b"', 'a\tb', ...DOLLARS), anything),
  // None that `credentials` names: a schema cannot compare two values.
  request_id_header: fc.constantFrom<unknown>(
    null,
    true,
    false,
    5,
    '',
    [],
    ['x'],
    {},
    'x-request-id',
    'Proxy-Authorization',
    'AUTHORIZATION',
    'cookie',
    'Sec-WebSocket-Protocol',
    'x-authorization',
    'a b',
    'é',
  ),
  cahce: anything,
  verifier: anything,
}
const names = Object.keys(OPTIONS)

/** Few options, so that many configurations are right. */
const configuration = fc
  .tuple(fc.subarray(names, { maxLength: 3 }), fc.boolean())
  .chain(([chosen, isGiven]) => {
    const model = Object.fromEntries(
      chosen.map((name) => [name, OPTIONS[name as keyof typeof OPTIONS] as fc.Arbitrary<unknown>]),
    )
    const given = isGiven ? { endpoint: fc.constant('https://h.example/'), ...model } : model
    return fc.record(given)
  })
const file = fc.oneof(
  { weight: 30, arbitrary: configuration.map((auth) => ({ server: { auth } })) },
  { weight: 1, arbitrary: anything.map((auth) => ({ server: { auth } })) },
  { weight: 1, arbitrary: anything.map((server) => ({ server })) },
  { weight: 1, arbitrary: anything },
)

describe('schema.json', () => {
  it('is what `npm run docs:generate` writes', async () => {
    await expect(`${formatJson(schema)}\n`).toMatchFileSnapshot('../schema.json')
  })

  it(
    `gives the verdict of the validator on ${RUNS} generated files`,
    { tags: ['slow'], timeout: TIMEOUT_MS },
    () => {
      let right = 0
      fc.assert(
        fc.property(file, (content) => {
          const text = stringify(content)
          const problems = problemsOf(text)
          if (problems.length === 0) right += 1
          expect({ content, ok: check(parse(text)) }).toEqual({
            content,
            ok: problems.length === 0,
          })
        }),
        { numRuns: RUNS, seed: 5 },
      )
      // Neither all right nor all wrong: that would compare nothing.
      expect(right).toBeGreaterThan(RUNS / 10)
      expect(right).toBeLessThan(RUNS * 0.9)
    },
  )

  it.each([
    ['${env.MS}', true],
    ['${env.MS:=5}', true],
    ['${env.MS:5}', false],
    ['${env.MS}${MS}', false],
    ['${env.NO:=${env.MS}', false],
    ['5', false],
  ])('takes %s for a number: %s', (text, ok) => {
    const content = { server: { auth: { endpoint: 'https://h/', timeout_ms: text } } }
    expect(check(content)).toBe(ok)
    expect(problemsOf(stringify(content), { MS: '5' }).length === 0).toBe(ok)
  })

  it('is compared with every key', () => {
    const keys = Object.entries(TABLE).filter(([, { form }]) => form.kind !== 'function')
    expect(names).toEqual(expect.arrayContaining(keys.map(([name]) => keyOf(name))))
  })
  it.each(
    Object.entries(PROVIDER_ROWS).flatMap(([type, rows]) => rows.map((row) => [type, row.yaml])),
  )('takes a provider of the type %s: { %s }', (type, yaml) => {
    const keys = yaml.replaceAll('URL', 'https://h.example')
    const isTaken = (auth: string): boolean => check(parse(`server: { auth: { ${auth} } }`))
    expect(isTaken(`provider_config: { type: ${type}, ${keys} }`)).toBe(true)
    expect(isTaken(`provider_type: ${type}, config: { ${keys} }, providers: ~`)).toBe(true)
    expect(isTaken(`provider_config: { type: ${type}, ${keys}, unknown: 1 }`)).toBe(false)
    expect(isTaken(`provider_config: { ${keys} }`)).toBe(false)
    expect(isTaken(`provider_type: ${type}, providers: [{ type: ${type}, ${keys} }]`)).toBe(false)
  })
})
