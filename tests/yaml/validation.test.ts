import { describe, expect, it } from 'vitest'
import { problemsOf } from '../support/yaml-problems.ts'

const keysOf = (auth: string, env = {}): string[] =>
  problemsOf(`server: { auth: { endpoint: "https://h/", ${auth} } }`, env).map(({ key }) =>
    key.slice(12),
  )

describe('validate', () => {
  it.each([
    [
      'retry: { attempts: 9, min_delay_ms: -1 }, timeout_ms: 0',
      ['retry.attempts', 'retry.min_delay_ms', 'timeout_ms'],
    ],
    [
      'public: [a, /b, /c/../d, { path: /e, methods: [get, PUT, put] }]',
      ['public[0]', 'public[2]', 'public[3].methods[0]', 'public[3].methods[2]'],
    ],
    ['public: [{ path: x, methods: [get] }]', ['public[0].path', 'public[0].methods[0]']],
    [
      'credentials: [bearer, { header: authorization }, { cookie: "a b" }]',
      ['credentials[1].header', 'credentials[2].cookie'],
    ],
    ['credentials: [bearer, bearer]', ['credentials']],
    ['credentials: { header: "a b" }', ['credentials.header']],
    ['credentials: { hedder: a }', ['credentials.hedder']],
    [
      'endpoint_headers: { a.b: "é", host: x, ok: y }',
      ['endpoint_headers.a.b', 'endpoint_headers.host'],
    ],
    ['cache: { max_entries: 0 }', ['cache', 'cache.max_entries']],
    ['cache: {}, context: { headers: ["a b"], path: 1 }', ['context.headers[0]', 'context.path']],
    ['cache: {}, context: { headers: 5 }', ['context.headers']],
    ['cache: {}, context: 5', ['context']],
    ['cache: true', ['cache']],
    ['context: { headers: ["a b", "c d"] }', ['context.headers[0]', 'context.headers[1]']],
    [
      'concurrency: { max_in_flight: 0, max_waiting: -1 }',
      ['concurrency.max_in_flight', 'concurrency.max_waiting'],
    ],
  ])('finds all that is wrong, and no consequence of it: %s', (auth, keys) => {
    expect(keysOf(auth)).toEqual(keys)
  })

  it('explains without the value that the environment gave', () => {
    const env = { P: '/gehe im', N: 'gehe' }
    const problems = problemsOf(
      'server: { auth: { endpoint: "https://h/", public: ["${env.P}"], timeout_ms: "${env.N}" } }',
      env,
    )
    expect(problems.map(({ message }) => message)).toEqual([
      '"server.auth.public[0]" must be written as requests are compared (its value is not shown)',
      '"server.auth.timeout_ms" must be a number of milliseconds from 1 to 60000 (its value is not shown)',
    ])
  })
})

it('says once that a value is not shown', () => {
  const headers = '{ x-auth-secret: "${env.SECRET}" }'
  const text = `server: { auth: { endpoint: https://a.example, endpoint_headers: ${headers} } }`
  const [problem] = problemsOf(text, { SECRET: 'two\nlines' })
  expect(problem?.message.split('(its value is not shown)')).toHaveLength(2)
})
