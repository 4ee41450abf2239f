import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSetupSource } from '../../src/core/setup.ts'
import { createGate } from '../../src/core/gate.ts'
import { AuthConfigError, memoryCache } from '../../src/index.ts'
import { get } from '../support/requests.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type { AuthConfigSource } from '../../src/core/auth-config.ts'
import type { AuthConfig, AuthEvent, Verdict } from '../../src/index.ts'

const ENDPOINT = 'https://auth.example.test/validate'

function isReady({ decisions }: { readonly decisions: unknown }): boolean {
  return decisions !== undefined
}

beforeEach(() => {
  vi.stubEnv('AUTH_ENDPOINT', undefined)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

describe('a config object', () => {
  it('is checked at once', () => {
    expect(() => createSetupSource({ endpoint: '' })).toThrow(AuthConfigError)
    expect(() => createSetupSource(null as unknown as AuthConfig)).toThrow(AuthConfigError)
  })

  it('without an endpoint waits for an environment that has a usable one', () => {
    const events: AuthEvent[] = []
    const setups = createSetupSource({ onEvent: (event) => events.push(event) })
    expect(isReady(setups.get([]))).toBe(false)
    expect(isReady(setups.get([{ AUTH_ENDPOINT: '' }]))).toBe(false)
    expect(isReady(setups.get([{ AUTH_ENDPOINT: 'http://auth.example.test' }]))).toBe(false)
    expect(isReady(setups.get([{ AUTH_ENDPOINT: ENDPOINT }]))).toBe(true)
    expect(isReady(setups.get([]))).toBe(true)
    expect(events.map((event) => event.type)).toEqual(Array(3).fill('config_error'))
    expect(events[0]).toMatchObject({
      message:
        '"endpoint" is missing: configure it, or set the variable AUTH_ENDPOINT (on Workers a binding in "vars" of ' +
        'wrangler.jsonc or wrangler.toml, which reaches the guard in the "env" argument of fetch)',
    })
    expect(events[1]).toMatchObject({
      message: '"endpoint" must be an absolute https URL, received ""',
    })
  })

  it('left out takes AUTH_ENDPOINT of the process, and says so where it is missing', () => {
    const setups = createSetupSource(undefined)
    expect(isReady(setups.get([]))).toBe(false)
    expect(console.error).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('AUTH_ENDPOINT'))
    vi.stubEnv('AUTH_ENDPOINT', ENDPOINT)
    expect(isReady(setups.get([]))).toBe(true)
  })

  it('says so where the environment must not be read', () => {
    const denied = {
      get AUTH_ENDPOINT(): never {
        throw new Error('NotCapable')
      },
    }
    expect(isReady(createSetupSource(undefined).get([denied]))).toBe(false)
    expect(console.error).toHaveBeenCalledExactlyOnceWith(
      'with-auth: AUTH_ENDPOINT cannot be read from the environment: permit that (on Deno, ' +
        '--allow-env=AUTH_ENDPOINT), or configure "endpoint"',
    )
  })

  it('rejects as configured while there is no endpoint', () => {
    const setup = createSetupSource({ realm: 'mine', unavailableStatus: 503 }).get([])
    const { denials } = setup
    const { denial } = denials.create('timeout')
    expect(denial.status).toBe(503)
    const response = denials.respond(denials.create('denied'), new Request('http://h/'))
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="mine"/)
    expect(setup.secretSources).toEqual(['bearer'])
  })

  it('keeps from an upstream what is for its verifier alone', () => {
    const ask = (): Verdict => ({ outcome: 'deny' })
    const verifier = defineVerifier({ ask, consumes: ['X-Proxy-Secret'] })
    const { secretSources } = createSetupSource({ verifier }).get([])
    expect(secretSources).toEqual(['bearer', { consumed: 'x-proxy-secret' }])
  })
})

describe.each<[string, (config: AuthConfig) => AuthConfigSource<[]>]>([
  ['a config object', (config) => config],
  ['a config function', (config) => () => config],
])('%s', (_form, sourceOf) => {
  it.each([
    [{ mode: 'shadow' }, 'no request is rejected'],
    [{ allowInsecureHttp: true }, 'in clear'],
  ] as const)('warns of %j once', (option, message) => {
    const onEvent = vi.fn<(event: AuthEvent) => void>()
    const setups = createSetupSource(sourceOf({ endpoint: ENDPOINT, onEvent, ...option }))
    for (const args of [[], []]) setups.get(args)
    expect(onEvent).toHaveBeenCalledExactlyOnceWith({
      type: 'warning',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('a config function', () => {
  it('is not called before the first request, and then once', () => {
    const config = vi.fn(({ url }: { url: string }) => ({ endpoint: url }))
    const setups = createSetupSource<[{ url: string }]>(config)
    expect(config).not.toHaveBeenCalled()
    expect(isReady(setups.get([{ url: ENDPOINT }]))).toBe(true)
    expect(isReady(setups.get([{ url: 'nonsense' }]))).toBe(true)
    expect(config).toHaveBeenCalledExactlyOnceWith({ url: ENDPOINT })
  })

  it('forgets decisions, and has none before it was called', async () => {
    const verifier = vi.fn(() => ({ outcome: 'allow' }) as const)
    const config = { verifier, cache: memoryCache(), context: { headers: [] } }
    const make = vi.fn(() => config)
    const gate = createGate(make)
    gate.forget()
    expect(make).not.toHaveBeenCalled()
    for (const calls of [1, 1]) {
      await gate.decide(get('/', 'k1'), [])
      expect(verifier).toHaveBeenCalledTimes(calls)
    }
    gate.forget()
    await gate.decide(get('/', 'k1'), [])
    expect(verifier).toHaveBeenCalledTimes(2)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['returns nothing', () => undefined],
    ['returns a bad config', () => ({ endpoint: 'http://auth.example.test' })],
    ['returns a config with an unknown option', () => ({ endpoint: ENDPOINT, chache: {} })],
    ['returns a promise', () => Promise.resolve({ endpoint: ENDPOINT })],
    ['returns a promise that rejects', () => Promise.reject(new Error('bug'))],
  ])('that %s leaves nothing half configured, and is called again', (_what, failing) => {
    const config = vi.fn(failing as () => AuthConfig)
    const setups = createSetupSource(config)
    expect(isReady(setups.get([]))).toBe(false)
    config.mockReturnValue({ endpoint: ENDPOINT })
    expect(isReady(setups.get([]))).toBe(true)
    expect(config).toHaveBeenCalledTimes(2)
    expect(console.error).toHaveBeenCalledOnce()
  })

  it.each<[unknown, string]>([
    [undefined, '"config" must be an object, received undefined'],
    [null, '"config" must be an object, received null'],
    ['sk-secret', '"config" must be an object, received a string: { endpoint }'],
    [Promise.resolve(), 'The config function must be synchronous, received a promise'],
  ])('that returns %s says what is wrong', (made, message) => {
    const setup = createSetupSource((() => made) as () => AuthConfig).get([])
    expect(console.error).toHaveBeenCalledExactlyOnceWith(`with-auth: ${message}`)
    const { denials } = setup
    const { denial } = denials.create('not_configured')
    const denied = denials.respond(denials.create('denied'), new Request('http://h/'))
    expect(denial.status).toBe(500)
    expect(denied.headers.get('www-authenticate')).toMatch(/^Bearer realm="api"/)
    expect(denials.create('timeout').denial.status).toBe(401)
  })

  it('that returns a bad config tells its observer', () => {
    const onEvent = vi.fn<(event: AuthEvent) => void>()
    createSetupSource(() => ({ onEvent, endpoint: '' })).get([])
    expect(onEvent).toHaveBeenCalledExactlyOnceWith({
      type: 'config_error',
      message: '"endpoint" must be an absolute https URL, received ""',
    })
    createSetupSource(() => ({ onEvent: 5 }) as unknown as AuthConfig).get([])
    expect(console.error).toHaveBeenCalledOnce()
  })
})
