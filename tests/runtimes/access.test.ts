import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

/** Route checks, of the built package: a check must know the very Request that a guard of another entry has admitted. */

const CONTRACT = 'access-contract.js'
const RUNTIMES: readonly (readonly [name: string, start: Start])[] = [
  ...SOME_NODES.map((node) => [node.name, onSrvx(node, CONTRACT)] as const),
  ['Bun', onCommand(BUN, '--port=0', CONTRACT)],
  ['Deno', onCommand(DENO, ...DENO_SERVE, CONTRACT)],
  ['workerd', onWorkerd(CONTRACT)],
]

describe.each(RUNTIMES)('on %s', (_name, start) => {
  let running: RunningServer
  beforeAll(async () => void (running = await start(inject('app'), {})), 60_000)
  afterAll(() => running.stop())

  async function ask(path: string, token?: string): Promise<(number | string)[]> {
    const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(running.url + path, { headers })
    const body = await response.text()
    const challenge = response.headers.get('www-authenticate')
    const code = /"code":"(\w+)"/.exec(body)?.[1] ?? body
    return [response.status, code, ...(challenge === null ? [] : [challenge])]
  }

  it.each(['/plain/write', '/hono/write'])('%s needs all scopes', async (path) => {
    expect(await ask(path, 'read.write')).toEqual([200, 'in'])
    expect(await ask(path, 'read')).toEqual([
      403,
      'insufficient_scope',
      'Bearer realm="api", error="insufficient_scope", scope="read write", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
    ])
    expect(await ask(path)).toEqual([
      401,
      'missing_credentials',
      expect.stringContaining('resource_metadata='),
    ])
  })

  it('a copy of an admitted Request is not checked, except in Hono, which knows the one that came', async () => {
    expect(await ask('/plain/copied', 'read.write')).toEqual([500, 'not_configured'])
    expect(await ask('/hono/copied', 'read.write')).toEqual([200, 'in'])
    expect((await ask('/hono/copied', 'read')).slice(0, 2)).toEqual([403, 'insufficient_scope'])
  })
})
