import { createServer } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { parseTarget } from '../../src/core/request/target.ts'
import { createGateway } from '../../src/gateway.ts'
import { chooseFetch } from '../../src/gateway/options.ts'
import { locate, parseUpstream } from '../../src/gateway/upstream-url.ts'
import { AuthConfigError } from '../../src/index.ts'
import { close, listen } from '../support/loopback.ts'
import { runs } from '../support/nightly.ts'
import { words } from '../support/words.ts'
import type { UpstreamRequest } from '../../src/gateway.ts'

// `tests/wrong-options.test.ts` has the wrong values of the other options.

describe('an upstream', () => {
  it.each([
    ['http://127.0.0.1:8321', 'http://127.0.0.1:8321', ''],
    ['https://models.example.com/v1/', 'https://models.example.com', '/v1'],
    ['HTTPS://Models.Example.com:443', 'https://models.example.com', ''],
    ['https://models.example.com/a%20b', 'https://models.example.com', '/a%20b'],
  ])('%s is split into origin and path', (url, origin, basePath) => {
    expect(parseUpstream(url, false)).toEqual({ origin, basePath })
  })

  it.each(
    words(`
    http://localhost:8321 http://llama-stack:8321 http://host.docker.internal:8321
    http://llama.default.svc.cluster.local http://127.1.2.3 http://10.0.0.5:80/x
    http://172.16.0.1 http://172.31.255.1 http://192.168.1.2 http://[::1]:8321
    http://[fd00::1]:8321 HTTP://LocalHost:8321/x
  `),
  )('%s may be http, since it is within a private network', (upstream) => {
    expect(() => createGateway({ upstream })).not.toThrow()
  })

  it.each(
    words(`
    http://models.example.com http://localhost.evil.com http://127.0.0.1.nip.io
    http://10.0.0.1.nip.io http://172.32.0.1 http://169.254.169.254 http://0.0.0.0
    http://2130706433 http://0x7f.1 http://evil.com/localhost http://[2001:db8::1]
    http://internal.evil.com
  `),
  )('%s may be http only with allowInsecureHttp', (upstream) => {
    expect(() => createGateway({ upstream })).toThrow(/"upstream" must be an https URL/)
    expect(() => createGateway({ upstream, allowInsecureHttp: true })).not.toThrow()
  })

  it.each<readonly [unknown, RegExp]>([
    [undefined, /received undefined/],
    ['', /received ""/],
    ...[
      ...words('models.example.com ftp://h javascript:alert(1) file:///etc/passwd https://'),
      'https://h:99999',
      'x-https://h',
      ' https://h',
      // A URL parser removes a tab, so that this would be another host.
      'https://h\t.evil.test',
      String.raw`https://h\x`,
    ].map((url) => [url, /absolute http or https URL/] as const),
    ...['/a/../b', '/a/%2e%2e/b', '//b', '/%41'].map(
      (path) => [`https://h${path}`, /an unambiguous path/] as const,
    ),
    ...[
      'https://u:s3cret@h/',
      'https://s3cret@h',
      'https://h/?key=s3cret',
      'https://h/#s3cret',
    ].map((url) => [url, /^"upstream" must be a URL without (?!.*s3cret)/] as const),
  ])('%j is rejected, and the error shows no secret', (value, message) => {
    const create = () => createGateway({ upstream: value as string, allowInsecureHttp: true })
    expect(create).toThrow(message)
    expect(create).toThrow(expect.objectContaining({ option: 'upstream' }))
    expect(create).toThrow(AuthConfigError)
  })
})

describe('a public origin', () => {
  const create = (publicOrigin: unknown) => () =>
    createGateway({ upstream: 'http://u', publicOrigin: publicOrigin as string })

  it.each(['https://api.example.com', 'https://api.example.com/', 'http://localhost:3000'])(
    'may be %s',
    (origin) => {
      expect(create(origin)).not.toThrow()
    },
  )

  it.each(['', 5, 'api.example.com', 'https://api.example.com/x', 'ws://h'])(
    'cannot be %j',
    (value) => {
      expect(create(value)).toThrow(/"publicOrigin" must be an origin.*received/)
    },
  )

  it.each(['https://user:s3cret@h', 'https://h/?key=s3cret', 'https://h/#s3cret', 's3cret@h'])(
    'is not shown in the error if it may hold a secret: %s',
    (value) => {
      expect(create(value)).toThrow(
        /^"publicOrigin" must be an origin such as "https:\/\/api\.example\.com" \(its value is not shown\)$/,
      )
    },
  )
})

it.each(
  words(`remote-user x-remote-user remote-groups x-remote-extra-ip x-user remote-address-book
    x-remote-host-group remote-ip-label remote-portal origin-user x-date`),
)('the header %s may carry the principal', (principal) => {
  expect(() =>
    createGateway({ upstream: 'http://u', identityHeaders: { principal } }),
  ).not.toThrow()
})

it.each(
  words(
    'remote-addr x-remote-ip remote-host x-remote-port x-forwarded-user x-forwarded-remote-user',
  ),
)('the header %s may not: the gateway removes it', (principal) => {
  const create = () => createGateway({ upstream: 'http://u', identityHeaders: { principal } })
  expect(create).toThrow(/"identityHeaders.principal"/)
})

describe('the URL at the upstream', () => {
  const UPSTREAM = { origin: 'http://127.0.0.1:8321', basePath: '/base' }

  it.each([
    ['/x', '/x'],
    ['/', '/'],
    ['/x?a=1&a=2', '/x?a=1&a=2'],
    ['/a%2fb%20c?d=%zz', '/a%2fb%20c?d=%zz'],
    ['/%61', '/a'],
    ...words('//evil.com/x /http://evil.com/x /@evil.com/x /:80/x').map((path) => [path, path]),
  ])('for %s is below the base path: %s', (path, expected) => {
    const target = parseTarget(`https://api.test${path}`)
    expect(target && locate(UPSTREAM, target)).toBe(`http://127.0.0.1:8321/base${expected}`)
  })

  it('keeps the host and the base path for every request', () => {
    const part = fc.constantFrom(...words("/ // .. . %2e @ : %2f evil.com a ; | ^ [ é % ? & '"))
    const { failed } = fc.check(
      fc.property(fc.array(part, { maxLength: 12 }), (written) => {
        const target = parseTarget(`https://api.test/${written.join('')}`)
        const url = target && locate(UPSTREAM, target)
        if (url === undefined) return target === undefined
        return url.startsWith('http://127.0.0.1:8321/base/')
      }),
      { numRuns: runs(3000) },
    )
    expect(failed).toBe(false)
  })

  it('is undefined if a URL parser finds another host or path', () => {
    expect(locate(UPSTREAM, { path: '/../x', query: '' })).toBeUndefined()
    const bare = parseUpstream('http://127.0.0.1', false)
    expect(locate(bare, { path: '.evil.com/x', query: '' })).toBeUndefined()
    expect(locate(bare, { path: '@evil.com/x', query: '' })).toBeUndefined()
  })
})

describe('the fetch', () => {
  const INIT: UpstreamRequest = {
    method: 'GET',
    headers: new Headers({ a: '1', via: '2' }),
    ownHeaders: ['via'],
    body: null,
    duplex: 'half',
    redirect: 'manual',
    signal: new AbortController().signal,
  }
  const headers = [
    ['via', '2'],
    ['a', '1'],
  ]
  const SENT = { ...INIT, headers }

  it('uses node:http on Node and does not decode', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch')
    const server = createServer((_, response) => void response.end('here'))
    const port = await listen(server)
    const chosen = chooseFetch(undefined)
    const { body } = await chosen.fetch(`http://127.0.0.1:${port}/`, INIT)
    expect(await new Response(body).text()).toBe('here')
    expect(fetch).not.toHaveBeenCalled()
    expect(chosen.decodesSilently).toBe(false)
    await close(server)
  })

  it.each([
    ['Bun', 'bun', false, { ...SENT, decompress: false, timeout: false }],
    ['Deno', 'deno', false, SENT],
    ['navigator', 'workerd', true, SENT],
  ] as const)(
    'is the current global one where %s is defined',
    async (name, part, decodes, init) => {
      vi.stubGlobal('process', { ...process, versions: { ...process.versions, [part]: '1' } })
      vi.stubGlobal(name, { userAgent: 'Cloudflare-Workers' })
      const chosen = chooseFetch(undefined)
      const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('later'))
      await chosen.fetch('http://h/', INIT)
      expect(fetch).toHaveBeenCalledExactlyOnceWith('http://h/', init)
      expect(chosen).toMatchObject({ decodesSilently: decodes, sendsAnyBody: false })
    },
  )

  it.each<readonly [string, string, UpstreamRequest['method'], object, object]>([
    ['Bun', 'bun', 'HEAD', {}, { keepalive: false }],
    ['Bun', 'bun', 'GET', { host: 'h' }, {}],
    ['Deno', 'deno', 'HEAD', {}, { client: { allowHost: false, poolMaxIdlePerHost: 0 } }],
    ['Deno', 'deno', 'GET', { host: 'h' }, { client: { allowHost: true } }],
    ['Deno', 'deno', 'HEAD', { host: 'h' }, { client: { allowHost: true, poolMaxIdlePerHost: 0 } }],
    ['Deno', 'deno', 'GET', {}, {}],
  ])(
    'on %s (%s) sends %s with the headers %j on a connection with %j',
    async (name, part, method, fields, connection) => {
      vi.stubGlobal('process', { ...process, versions: { ...process.versions, [part]: '1' } })
      const createHttpClient = vi.fn((options: object) => options)
      vi.stubGlobal(name, name === 'Deno' ? { createHttpClient } : {})
      const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response())
      const init = { ...INIT, method, headers: new Headers({ ...fields }) }
      const chosen = chooseFetch(undefined)
      await chosen.fetch('http://h/', init)
      await chosen.fetch('http://h/', init)
      for (const [, sent] of fetch.mock.calls) {
        const { client, keepalive } = sent as { client?: object; keepalive?: boolean }
        expect({ client, keepalive }).toEqual(connection)
      }
      expect(createHttpClient).toHaveBeenCalledTimes('client' in connection ? 1 : 0)
    },
  )

  it('from the options decodes silently, except on Deno', () => {
    const fetch = async (): Promise<Response> => new Response()
    expect(chooseFetch(fetch)).toEqual({ fetch, decodesSilently: true, sendsAnyBody: false })
    vi.stubGlobal('Deno', {})
    expect(chooseFetch(fetch)).toMatchObject({ decodesSilently: false })
  })
})
