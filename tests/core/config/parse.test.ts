import { describe, expect, it, vi } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { AuthConfigError } from '../../../src/index.ts'
import type { AuthConfig } from '../../../src/index.ts'

const ENDPOINT = 'https://auth.example.test/validate'

/** Does not compile while an option is missing. */
const ALL_OPTIONS = {
  endpoint: true,
  allowInsecureHttp: true,
  endpointHeaders: true,
  verifier: true,
  context: true,
  credentials: true,
  tokenFormat: true,
  identity: true,
  timeoutMs: true,
  retry: true,
  circuitBreaker: true,
  concurrency: true,
  cache: true,
  unavailableStatus: true,
  public: true,
  preflight: true,
  mode: true,
  realm: true,
  requestIdHeader: true,
  onEvent: true,
  respond: true,
  fetch: true,
} satisfies Record<keyof AuthConfig, true>

describe('a config', () => {
  it('has the documented defaults', () => {
    const config = resolveConfig({ endpoint: ENDPOINT })
    expect(config).toEqual({
      endpoint: ENDPOINT,
      allowInsecureHttp: false,
      endpointHeaders: {},
      verifier: undefined,
      context: { headers: 'all', params: 'values', path: true, method: false },
      credentials: ['bearer'],
      tokenFormat: 'token68',
      identity: 'optional',
      timeoutMs: 5000,
      retry: { attempts: 1, minDelayMs: 50, maxDelayMs: 250 },
      circuitBreaker: { minChecks: 10, failureRatio: 0.5, windowMs: 10_000, openMs: 5000 },
      concurrency: { maxInFlight: 64, maxWaiting: 1024 },
      cache: false,
      unavailableStatus: 401,
      isPublic: expect.any(Function) as unknown,
      hasPublicPaths: false,
      preflight: 'deny',
      mode: 'enforce',
      realm: 'api',
      requestIdHeader: false,
      onEvent: undefined,
      respond: undefined,
      fetch: expect.any(Function) as unknown,
    })
    expect(config.isPublic('/', 'GET')).toBe(false)
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('keeps what is given', () => {
    const given = {
      endpoint: 'http://auth.example.test/validate',
      allowInsecureHttp: true,
      endpointHeaders: { 'x-secret': 's' },
      context: { headers: [], params: 'none', path: false, method: true },
      credentials: [{ header: 'x-api-key' }],
      tokenFormat: 'visible-ascii',
      identity: 'required',
      timeoutMs: 60_000,
      unavailableStatus: 503,
      preflight: 'allow',
      mode: 'shadow',
      realm: 'a "b"',
      requestIdHeader: 'x-request-id',
      onEvent: () => undefined,
      respond: () => new Response('', { status: 401 }),
    } satisfies AuthConfig
    expect(resolveConfig({ ...given, public: ['/a'] })).toMatchObject(given)
    expect(resolveConfig({ ...given, public: ['/a'] }).hasPublicPaths).toBe(true)
    expect(resolveConfig({ ...given, public: [] }).hasPublicPaths).toBe(false)
    expect(resolveConfig({ ...given, public: ['/a'] }).isPublic('/a', 'GET')).toBe(true)
  })

  it('that is a string, which may be a URL with a secret, is named and not shown', () => {
    expect(() => resolveConfig('sk-secret')).toThrow(
      expect.objectContaining({
        option: 'config',
        message: '"config" must be an object, received a string: { endpoint }',
      }),
    )
  })

  it.each(Object.keys(ALL_OPTIONS))('knows the option %s, and looks at it', (name) => {
    const others = name === 'verifier' ? {} : { endpoint: ENDPOINT }
    expect(() => resolveConfig({ ...others, [name]: Number.NaN })).toThrow(
      new RegExp(`^"${name}" must`),
    )
  })

  it.each<[Record<string, unknown>, string]>([
    [
      { endpoint: undefined },
      '"endpoint" must be left out or given a value (is a variable not set?), received undefined',
    ],
    [
      { endpoint: null },
      '"endpoint" must be left out or given a value (is a variable not set?), received null',
    ],
    [{ endpoint: '' }, '"endpoint" must be an absolute https URL, received ""'],
    [{ endpoint: 'http://a.example' }, '"endpoint" must be an https URL'],
    [{ endpont: ENDPOINT }, 'Unknown option "endpont": did you mean "endpoint"?'],
    [{ publicPath: ['/a'] }, 'Unknown option "publicPath": did you mean "public"?'],
    [{ timeout: 5 }, 'Unknown option "timeout": did you mean "timeoutMs"?'],
    [{ allowInsecureHttp: 'yes' }, '"allowInsecureHttp" must be true or false, received "yes"'],
    [{ endpointHeaders: [] }, '"endpointHeaders" must be an object'],
    [{ context: { headers: 'cookie' } }, '"context.headers" must be "all" or a list of names'],
    [{ credentials: 'basic' }, '"credentials" must be "bearer"'],
    [{ tokenFormat: 'jwt' }, '"tokenFormat" must be "token68" or "visible-ascii", received "jwt"'],
    [{ identity: true }, '"identity" must be "optional" or "required", received true'],
    [{ timeoutMs: 0 }, '"timeoutMs" must be a number of milliseconds from 1 to 60000, received 0'],
    [
      { timeoutMs: 60_001 },
      '"timeoutMs" must be a number of milliseconds from 1 to 60000, received 60001',
    ],
    [
      { timeoutMs: '5000' },
      '"timeoutMs" must be a number of milliseconds from 1 to 60000, received "5000"',
    ],
    [
      { timeoutMs: Number.NaN },
      '"timeoutMs" must be a number of milliseconds from 1 to 60000, received NaN',
    ],
    [{ unavailableStatus: 500 }, '"unavailableStatus" must be 401 or 503, received 500'],
    [{ unavailableStatus: '503' }, '"unavailableStatus" must be 401 or 503, received "503"'],
    [{ public: ['*'] }, '"public[0]" must be a path that starts with "/"'],
    [{ preflight: true }, '"preflight" must be "deny" or "allow", received true'],
    [{ mode: 'off' }, '"mode" must be "enforce" or "shadow", received "off"'],
    [{ realm: '' }, '"realm" must be a non-empty string of printable ASCII, received ""'],
    [{ realm: 'a\r\nx: y' }, '"realm" must be a non-empty string of printable ASCII'],
    [{ realm: 5 }, '"realm" must be a non-empty string of printable ASCII, received 5'],
    [{ realm: 'é' }, '"realm" must be a non-empty string of printable ASCII'],
    [
      { requestIdHeader: 'Authorization' },
      '"requestIdHeader" must be false, or the name of a header that holds no credentials, received "Authorization"',
    ],
    [{ onEvent: {} }, '"onEvent" must be a function, received an object'],
    [
      { respond: new Response('') },
      '"respond" must be a function, received an object of type Response',
    ],
    [{ fetch: 'fetch' }, '"fetch" must be a function, received "fetch"'],
    [{ verifier: ENDPOINT }, '"verifier" must be a function'],
  ])('is refused with %j', (option, message) => {
    const [, named] = /"(.+?)"/.exec(message) ?? []
    const told = expect.stringContaining(message) as string
    expect(() => resolveConfig({ ...option })).toThrow(AuthConfigError)
    expect(() => resolveConfig({ ...option })).toThrow(
      expect.objectContaining({ option: named, message: told }),
    )
  })

  it.each(['endpoint', 'allowInsecureHttp', 'endpointHeaders', 'fetch'])(
    'is refused with %s beside a verifier, where it would do nothing',
    (option) => {
      const config = { verifier: () => ({ outcome: 'deny' }), [option]: 'anything' }
      expect(() => resolveConfig(config)).toThrow(`"${option}" has no effect beside "verifier"`)
    },
  )

  it('needs no endpoint yet, since that may come with the first request', () => {
    expect(resolveConfig({}).endpoint).toBeUndefined()
  })

  it('names the option in the error', () => {
    expect(() => resolveConfig({ context: { params: 1 } })).toThrow(
      expect.objectContaining({
        name: 'AuthConfigError',
        option: 'context.params',
        code: 'invalid_config',
      }),
    )
  })

  it('is not changed by what is done to the given object later', () => {
    const given = { endpoint: ENDPOINT, endpointHeaders: { a: 'b' }, timeoutMs: 10 }
    const config = resolveConfig(given)
    Object.assign(given, { endpoint: 'https://evil.example.test' })
    given.endpointHeaders.a = 'c'
    expect(config).toMatchObject({ endpoint: ENDPOINT, endpointHeaders: { a: 'b' } })
  })
})

describe('the fetch that sends the POST', () => {
  const init = {
    method: 'POST',
    headers: {},
    body: '',
    redirect: 'manual',
    signal: new AbortController().signal,
  } as const

  it('is the fetch of the moment, so that what wraps it later is seen', async () => {
    const config = resolveConfig({})
    const replaced = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('late'))
    await config.fetch(ENDPOINT, init)
    expect(replaced).toHaveBeenCalledExactlyOnceWith(ENDPOINT, init)
    replaced.mockRestore()
  })

  it('is the given one', async () => {
    const own = vi.fn<typeof fetch>().mockResolvedValue(new Response())
    await resolveConfig({ fetch: own }).fetch(ENDPOINT, init)
    expect(own).toHaveBeenCalledExactlyOnceWith(ENDPOINT, init)
  })
})
