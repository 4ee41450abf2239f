import { createServer } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { chooseFetch } from '../../src/gateway/options.ts'
import { close, listen } from '../support/loopback.ts'
import type { UpstreamRequest } from '../../src/gateway.ts'

const INIT: UpstreamRequest = {
  method: 'GET',
  headers: new Headers(),
  body: null,
  duplex: 'half',
  redirect: 'manual',
  signal: new AbortController().signal,
}
const given = async (): Promise<Response> => new Response()

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** Pretends that this is another runtime. */
function pretend(part: string, name?: string): void {
  vi.stubGlobal('process', { ...process, versions: { ...process.versions, [part]: '1' } })
  if (name !== undefined) vi.stubGlobal(name, {})
}

describe('without a fetch of its own', () => {
  it('the gateway on Node asks over node:http, which decodes nothing', async () => {
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
    ['Bun', 'bun', false, { ...INIT, decompress: false, timeout: false }],
    ['Deno', 'deno', false, INIT],
  ] as const)('on %s it uses the fetch of the moment', async (name, part, decodes, init) => {
    pretend(part, name)
    const chosen = chooseFetch(undefined)
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('later'))
    await chosen.fetch('http://h/', INIT)
    expect(fetch).toHaveBeenCalledExactlyOnceWith('http://h/', init)
    expect(chosen.decodesSilently).toBe(decodes)
  })

  it('on Workers it uses their fetch, which decodes', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const chosen = chooseFetch(undefined)
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('later'))
    await chosen.fetch('http://h/', INIT)
    expect(fetch).toHaveBeenCalledExactlyOnceWith('http://h/', INIT)
    expect(chosen.decodesSilently).toBe(true)
  })
})

it('a fetch that is given decodes as those of runtimes do', () => {
  expect(chooseFetch(given)).toEqual({ fetch: given, decodesSilently: true })
  vi.stubGlobal('Deno', {})
  expect(chooseFetch(given)).toEqual({ fetch: given, decodesSilently: false })
})
