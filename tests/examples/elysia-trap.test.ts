import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import { bun } from './support/start.ts'
import type { AuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'

describe('a Response that a hook of Elysia returns', () => {
  let endpoint: AuthEndpoint
  let trap: RunningServer
  let example: RunningServer

  beforeAll(async () => {
    endpoint = await startAuthEndpoint()
    const env = { AUTH_ENDPOINT: endpoint.url }
    trap = await bun('elysia-trap.js')(inject('app'), env)
    example = await bun('elysia.ts')(inject('app'), env)
  })
  afterAll(async () => {
    await trap.stop()
    await example.stop()
    await endpoint.close()
  })

  it.each(['derive', 'resolve', 'macro'])(
    'is ignored in a %s: the handler runs with a wrong key and without one',
    async (hook) => {
      expect(await get(`${trap.url}/${hook}`)).toEqual([200, 'the handler ran'])
      expect(await get(`${trap.url}/${hook}`, 'wrong')).toEqual([200, 'the handler ran'])
    },
  )

  it('is the response in onBeforeHandle', async () => {
    expect(await get(`${trap.url}/on-before-handle`)).toEqual([401, expect.any(String)])
    expect(await get(`${trap.url}/on-before-handle`, 'wrong')).toEqual([401, expect.any(String)])
  })

  it.each(['/v1/notes', '/nothing'])('is the response of examples/elysia.ts: %s', async (path) => {
    const denied = expect.stringContaining('"code":"denied"') as unknown
    expect(await get(example.url + path, 'wrong')).toEqual([401, denied])
    const missing = expect.stringContaining('"code":"missing_credentials"') as unknown
    expect(await get(example.url + path)).toEqual([401, missing])
  })
})

async function get(url: string, key?: string): Promise<[number, string]> {
  const headers: HeadersInit = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const response = await fetch(url, { headers })
  return [response.status, await response.text()]
}
