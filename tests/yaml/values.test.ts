import { describe, expect, it } from 'vitest'
import { placeOf } from '../../src/yaml/origins.ts'
import { readText } from '../../src/yaml/parsed-file.ts'
import { jwt } from '../../src/jwt.ts'
import { parseConfig } from '../../src/yaml.ts'
import { inAuth, linesOf } from './problems.ts'

function read(lines: string) {
  const text = `server:\n  auth:\n${lines.replace(/^(?=.)/gm, '    ')}\n`
  const given = { path: 'f', env: { X: '007' }, allowMissing: false, hasEnforcingUpstream: false }
  const { section, findings } = readText(text, given)
  if (section === undefined) throw new Error('no section')
  const found = findings.all().filter(({ key }) => key !== 'server.auth.endpoint')
  const { options, reading } = section
  return { options, reading, findings: found, messages: found.map(({ message }) => message) }
}

const ENV = { BAD: 'hunter 1' }

describe('readFields', () => {
  it.each([
    ['realm: 0123', 'realm', '0123'],
    ['realm: true', 'realm', 'true'],
    ['realm: ~', 'realm', null],
    ['realm: !!str 5', 'realm', '5'],
    ['realm:', 'realm', null],
    ['{ realm }', 'realm', null],
    ['realm: ${env.X}', 'realm', '007'],
    ['realm: ${env.NO:=true}', 'realm', 'true'],
    ['credentials: 5', 'credentials', '5'],
    ['public: [5]', 'public', ['5']],
    ['context: { headers: 5 }', 'context', { headers: '5' }],
    ['context: 5', 'context', 5],
    ['public: 5', 'public', 5],
    ['public: { path: /a }', 'public', {}],
    ['timeout_ms: ${env.X}', 'timeoutMs', 7],
    ['timeout_ms: ${env.NO:= 1_000 }', 'timeoutMs', 1000],
    ['timeout_ms: ${env.NO:=+12.50}', 'timeoutMs', 12.5],
    ['timeout_ms: ${env.NO:=-1}', 'timeoutMs', -1],
    ['timeout_ms: ${env.NO:=12.}', 'timeoutMs', 12],
    ['timeout_ms: ${env.NO:=.25}', 'timeoutMs', 0.25],
    ['timeout_ms: ${env.NO:=5e+02}', 'timeoutMs', 500],
    ['timeout_ms: ${env.NO:=50E-1}', 'timeoutMs', 5],
    ['timeout_ms: ${env.NO:=.}', 'timeoutMs', '.'],
    ['timeout_ms: ${env.NO:=e3}', 'timeoutMs', 'e3'],
    ['timeout_ms: ${env.NO:=x5}', 'timeoutMs', 'x5'],
    ['timeout_ms: ${env.NO:=5ms}', 'timeoutMs', '5ms'],
    ['timeout_ms: ${env.NO:=}', 'timeoutMs', undefined],
    ['circuit_breaker: ${env.NO:= False }', 'circuitBreaker', false],
    ['cache: ${env.NO:=FALSE}', 'cache', false],
    ['cache: ${env.NO:=true}', 'cache', true],
    ['timeout_ms: ${env.NO:=0x10}', 'timeoutMs', '0x10'],
    ['timeout_ms: ${env.NO:=Infinity}', 'timeoutMs', 'Infinity'],
    ['timeout_ms: "5"', 'timeoutMs', '5'],
    ['timeout_ms: 0x10', 'timeoutMs', 16],
    ['retry: ${env.NO:=FALSE}', 'retry', false],
    ['retry: ${env.NO:=no}', 'retry', 'no'],
    ['retry: no', 'retry', 'no'],
    ['realm: { a: 1 }', 'realm', {}],
    ['realm: [a]', 'realm', []],
    ['x: &x api\n', 'x', undefined],
  ])('reads %j', (text, option, value) => {
    expect(read(text).options[option]).toEqual(value)
  })

  it('knows what must not be shown', () => {
    const hides = (text: string, ...path: string[]): unknown => {
      const { reading } = read(text)
      const { isHidden, isMasked } = placeOf(reading.origins.nearest(path).origin, reading.tree)
      return [isHidden, isMasked]
    }
    expect(hides('realm: x', 'realm')).toEqual([false, false])
    expect(hides('realm: ${env.X}', 'realm')).toEqual([true, false])
    expect(hides('endpoint: https://u:p@h', 'endpoint')).toEqual([false, true])
    expect(hides('endpoint: https://h/?k=${env.X}', 'endpoint')).toEqual([true, true])
    expect(hides('endpoint_headers: { a: b }', 'endpointHeaders', 'a')).toEqual([true, true])
  })

  it('leaves out a header with an empty value from the environment', () => {
    const { options, messages } = read('endpoint_headers: { a: "${env.NO:+v}", b: "${env.X}" }')
    expect(options['endpointHeaders']).toStrictEqual({ b: '007' })
    expect(messages).toEqual([])
  })

  it('shows the right form of a reference with its own name', () => {
    const lines = 'endpoint_headers: { x-secret: "${GATEWAY_SECRET}" }\nrealm: "${env.X:default}"'
    const more = 'If the value itself holds "${", set a variable to it'
    expect(linesOf(inAuth(lines))).toEqual([
      `4:35 "server.auth.endpoint_headers.x-secret": A reference to the environment must be written \${env.GATEWAY_SECRET}. ${more} | endpoint_headers: { x-secret: "*{**************}" }`,
      `5:12 "server.auth.realm": A reference to the environment must be written \${env.X:=default}. ${more} | realm: "\${env.X:default}"`,
    ])
  })

  it('follows aliases', () => {
    const { options } = read('realm: &r api\nmode: *r\n')
    expect(options['mode']).toBe('api')
  })

  it('suggests only options that a file can hold', () => {
    const [message] = read('on_evnt: 1').messages
    expect(message).toContain('Unknown option "server.auth.on_evnt"')
    expect(message).not.toContain('on_event')
  })

  it('describes a key without a value, which may be a secret, without its name', () => {
    const { findings } = read('{ hunter }')
    expect(findings).toMatchObject([{ optionPath: [], isSecret: true, key: 'server.auth.?' }])
  })

  it('shortens a long key in messages', () => {
    const [message = ''] = read(`${'k'.repeat(900)}: 1`).messages
    expect(message).toMatch(/"server\.auth\.k{80}"/)
    expect(message.length).toBeLessThan(600)
  })

  it('reads no further once there are too many problems', () => {
    const wrong = (count: number): string =>
      Array.from({ length: count }, (_, index) => `x${index}: 1\n`).join('')
    expect('realm' in read(`${wrong(100)}realm: api`).options).toBe(true)
    expect('realm' in read(`${wrong(101)}realm: api`).options).toBe(false)
  })

  it('leaves out a value with an invalid reference', () => {
    const { options, messages } = read('realm: "api-${env.NO}"')
    expect('realm' in options).toBe(false)
    expect(messages).toEqual([expect.stringContaining('"NO" is not set')])
  })
})

it.each<[text: string, ...lines: string[]]>([
  ['? [hunter]\n: 1', '4:7 A key of "server.auth" must be a plain name | * [******]'],
  [
    '<<: { realm: hunter }',
    '4:5 "server.auth.<<" is a merge key, which is not supported here: write out its keys | <<: { realm: ****** }',
  ],
  [
    'endpoint_headers: { "a b": [hunter], ? [hunter] : 1, X-A: hunter, x-a: hunter }',
    '4:25 "server.auth.endpoint_headers" must be made of valid header names, each with its value | endpoint_headers: { "a b": [******], * [******] : *, X-A: **',
    '4:44 "server.auth.endpoint_headers" must be made of valid header names, each with its value | endpoint_headers: { "a b": [******], * [******] : *, X-A: ******, x-a: ****** }',
    '4:76 "server.auth.endpoint_headers.x-a" must be left out: the object has the same header in another case (its value is not shown) | ndpoint_headers: { "a b": [******], * [******] : *, X-A: ******, x-a: ****** }',
  ],
  [
    'endpoint_headers: { a:hunter, hunter }',
    '4:25 "server.auth.endpoint_headers" must be made of valid header names, each with its value | endpoint_headers: { *:******, ****** }',
    '4:35 "server.auth.endpoint_headers" must be made of valid header names, each with its value | endpoint_headers: { *:******, ****** }',
  ],
  [
    'realm: "a@${env.NO}"',
    '4:12 "server.auth.realm": Environment variable "NO" is not set, or empty: set it, write ${env.NO:=default}, or ${env.NO:+value} to leave the key out when it is not set | realm: "***{******}"',
  ],
  [
    'resource: { identifier: https://h.example/, authorization_servers: ["http://u:hunter@h.example/?k=hunter"] }',
    '4:73 "server.auth.resource.authorization_servers[0]" must be a URL without user or password, received "***@h.example/?***" | resource: { identifier: *****:************, authorization_servers: ["****:***:**************************"] }',
  ],
  [
    'cache:',
    '4:11 "server.auth.cache" must be left out or given a value (is a variable not set?), received null | cache:',
  ],
  ['cache: 5', '4:12 "server.auth.cache" must be an object or false, received 5 | cache: 5'],
  [
    'circuit_breaker: "${env.BAD}"',
    '4:22 "server.auth.circuit_breaker" must be an object or false (its value comes from the environment and is not shown) | circuit_breaker: "${env.BAD}"',
  ],
])('reports the problems of %j without its values', (text, ...lines) => {
  expect(linesOf(inAuth(text), ENV)).toEqual(lines)
})

it.each([
  ['fields', { a: 5 }, 'realm: { a: b }', '"server.auth.realm" must be'],
  ['isUrl', true, 'timeout_ms: "se@cret"', 'its value is not shown'],
])('a form ignores %s on Object.prototype (prototype pollution)', (name, value, text, told) => {
  Object.defineProperty(Object.prototype, name, { value, configurable: true })
  try {
    expect(() => parseConfig(inAuth(text))).toThrow(told)
  } finally {
    Reflect.deleteProperty(Object.prototype, name)
  }
})

it.each([
  ['allowInsecureHttp', true, 'endpoint: http://h.example/', 'must be an https URL'],
  [
    'allowInsecureHttp',
    true,
    'provider_config: { type: kubernetes, api_server_url: "http://h.example/" }',
    'must be an https URL',
  ],
  ['endpoint', 'https://h.example/', 'realm: x', '"server.auth.endpoint" is missing'],
  ['jwksUri', 'https://h.example/', 'provider_config: { type: oauth2_token }', 'with one of'],
  [
    'issuer',
    'https://h.example/',
    'provider_config: { type: oauth2_token, discovery: true }',
    'the URL of the issuer',
  ],
])('%s on Object.prototype does not count as an option of a file', (name, value, auth, told) => {
  Object.defineProperty(Object.prototype, name, { value, configurable: true })
  try {
    expect(() => parseConfig(`server:\n  auth:\n    ${auth}\n`, { jwt })).toThrow(told)
  } finally {
    Reflect.deleteProperty(Object.prototype, name)
  }
})
