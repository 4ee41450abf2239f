import { describe, expect, it } from 'vitest'
import { makeCache, makeCacheAndStore } from '../../src/yaml/cache-section.ts'
import { attempt, checkConfig } from '../../src/yaml/option-problems.ts'
import { readText } from '../../src/yaml/parsed-file.ts'
import { inAuth, problemsOf } from './problems.ts'
import type { Reading } from '../../src/yaml/origins.ts'

const keysOf = (auth: string, env = {}): string[] =>
  problemsOf(`server: { auth: { endpoint: "https://h/", ${auth} } }`, env).map(({ key }) =>
    key.slice(12),
  )

describe('the options of a file', () => {
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
      'endpoint_headers: { a.b: "é", host: x, ok: y, store: "é" }',
      ['endpoint_headers.a.b', 'endpoint_headers.host', 'endpoint_headers.store'],
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

  const failing = {
    get attempts(): number {
      throw new RangeError('broken')
    },
  }

  it.each<[where: string, read: (reading: Reading) => unknown]>([
    ['a config', (reading) => checkConfig({ retry: failing }, reading)],
    ['a part', (reading) => attempt(() => failing.attempts, reading)],
    ['a cache', () => makeCache({ cache: failing })],
    [
      'a store',
      (reading) => {
        const store = Object.defineProperty({}, 'url', { get: () => failing.attempts })
        return makeCacheAndStore({ reading, options: { cache: {}, store } }, undefined, undefined)
      },
    ],
  ])('throw an error of %s that is about none of them', async (_, read) => {
    const given = { path: 'f', env: {}, allowMissing: false, hasEnforcingUpstream: false }
    const { section } = readText(inAuth('realm: x'), given)
    if (section === undefined) throw new Error('no section')
    const { reading } = section
    await expect((async () => read(reading))()).rejects.toThrow(RangeError)
  })
})
