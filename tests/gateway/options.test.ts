import { createServer } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { chooseFetch, resolveGateway } from '../../src/gateway/options.ts'
import { close, listen } from '../support/loopback.ts'
import type { UpstreamRequest } from '../../src/gateway.ts'

const upstream = 'http://127.0.0.1:8321'

it('has a default for every option except the upstream', () => {
  expect(resolveGateway({ upstream })).toEqual({
    upstream: { origin: upstream, basePath: '' },
    identityHeaders: {
      principal: 'x-auth-principal',
      tenant: 'x-auth-tenant',
      attributes: 'x-auth-attributes',
      scopes: 'x-auth-scopes',
      client: 'x-auth-client',
    },
    encoding: 'percent',
    forwardAuthorization: false,
    stripHeaders: [],
    publicOrigin: undefined,
    preserveHost: false,
    clientAddress: undefined,
    timeoutMs: 600_000,
    upstreamFetch: {
      fetch: expect.any(Function) as unknown,
      decodesSilently: false,
      sendsAnyBody: true,
    },
    onFailure: undefined,
    sign: undefined,
  })
})

describe('the identityHeaders', () => {
  const namesOf = (identityHeaders: unknown): unknown =>
    resolveGateway({ upstream, identityHeaders }).identityHeaders

  it.each([
    [
      { principal: 'Remote-User' },
      {
        principal: 'remote-user',
        tenant: 'x-auth-tenant',
        attributes: 'x-auth-attributes',
        scopes: 'x-auth-scopes',
        client: 'x-auth-client',
      },
    ],
    [
      { principal: 'x_user', tenant: 'X-Org', attributes: false, scopes: 'X-S', client: 'x_app' },
      {
        principal: 'x_user',
        tenant: 'x-org',
        attributes: undefined,
        scopes: 'x-s',
        client: 'x_app',
      },
    ],
    [
      { principal: false, tenant: false, attributes: false, scopes: false, client: false },
      {
        principal: undefined,
        tenant: undefined,
        attributes: undefined,
        scopes: undefined,
        client: undefined,
      },
    ],
  ])('%j are turned into %j', (identityHeaders, names) => {
    expect(namesOf(identityHeaders)).toEqual(names)
  })

  it('may have a name that holds one with another meaning', () => {
    const names = { principal: 'origin-user', attributes: 'x-date' }
    expect(namesOf(names)).toMatchObject(names)
  })
})

it('folds the names in stripHeaders', () => {
  const stripHeaders = ['X-WebAuth-User', 'X_Authentik_*']
  expect(resolveGateway({ upstream, stripHeaders })).toMatchObject({
    stripHeaders: ['x-webauth-user', 'x-authentik-*'],
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
  const SENT = {
    ...INIT,
    headers: [
      ['via', '2'],
      ['a', '1'],
    ],
  }
  const given = async (): Promise<Response> => new Response()

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
      expect(chosen.decodesSilently).toBe(decodes)
    },
  )

  it('from the options decodes silently, except on Deno', () => {
    expect(chooseFetch(given)).toEqual({ fetch: given, decodesSilently: true, sendsAnyBody: false })
    vi.stubGlobal('Deno', {})
    expect(chooseFetch(given)).toEqual({
      fetch: given,
      decodesSilently: false,
      sendsAnyBody: false,
    })
  })
})
