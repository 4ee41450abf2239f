import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findNode, locate } from '../runtimes/support/binaries.ts'
import { logIn } from '../runtimes/support/log-in.ts'
import { GENERATIONS } from '../runtimes/support/mcp-clients.ts'
import { issueToken, startOidcIssuer } from '../runtimes/support/oidc.ts'
import { onWorkerd } from '../runtimes/support/served-program.ts'
import { findFreePort } from '../support/loopback.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { node, srvx } from './support/start.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'

const RESOURCE = 'https://notes.example.com/mcp'

describe.each([
  ['mcp/server.ts', srvx('mcp/server.ts')],
  ['mcp/worker.ts', onWorkerd('mcp/worker.ts')],
])('examples/%s', (_file, start) => {
  let issuer: RunningServer
  let server: RunningServer

  beforeAll(async () => {
    issuer = await startOidcIssuer(inject('app'))
    server = await start(inject('app'), { ISSUER: issuer.url, RESOURCE })
  })
  afterAll(() => Promise.all([server.stop(), issuer.stop()]))

  const byName: typeof fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    return fetch(RESOURCE.startsWith(url.origin) ? server.url + url.pathname : url, init)
  }

  it.each(Object.entries(GENERATIONS))(
    'lets %s log in, and asks for the scope of the tool that writes',
    async (generation, connect) => {
      const { application, call, close } = await connect(RESOURCE, byName)
      expect(await call('list_notes')).not.toContain(generation)
      expect(await call('add_note', { note: `by ${generation}` })).toBe('Added')
      expect(await call('list_notes')).toContain(`alice wrote: by ${generation}`)
      expect(application.asked.map(({ scope }) => scope)).toEqual([
        'notes:read',
        'notes:read notes:write',
      ])
      await close()
    },
  )

  it('checks the scopes of a tool in a list of messages too', async () => {
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' }
    const add = { ...call, params: { name: 'add_note', arguments: { note: 'smuggled' } } }
    const list = { ...call, id: 2, params: { name: 'list_notes' } }
    const token = await issueToken(issuer, RESOURCE, 'notes:read')
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    }
    const ask = (messages: unknown): Promise<Response> =>
      byName(RESOURCE, { method: 'POST', headers, body: JSON.stringify(messages) })
    for (const messages of [add, [add], [list, add]]) {
      const response = await ask(messages)
      expect(response.status).toBe(403)
      expect(response.headers.get('www-authenticate')).toContain('scope="notes:read notes:write"')
    }
    expect(await (await ask(list)).text()).not.toContain('smuggled')
  })
})

it('examples/mcp/server.ts answers clients in a browser', async () => {
  const server = await srvx('mcp/server.ts')(inject('app'), {})
  const origin = 'https://app.example'
  const wanted = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
  }
  const headers = { origin, ...wanted }
  try {
    const preflight = await fetch(`${server.url}/mcp`, { method: 'OPTIONS', headers })
    const allowed = preflight.headers.get('access-control-allow-headers')
    expect([preflight.status, allowed]).toEqual([204, wanted['access-control-request-headers']])
    const rejected = await fetch(`${server.url}/mcp`, { method: 'POST', headers: { origin } })
    expect([rejected.status, Object.fromEntries(rejected.headers)]).toMatchObject([
      401,
      {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'WWW-Authenticate',
      },
    ])
  } finally {
    await server.stop()
  }
})

it('examples/mcp/client.ts logs in at login.js, and calls the tools of server.ts', async () => {
  const app = inject('app')
  const [port, loginPort] = [await findFreePort(), await findFreePort()]
  const env = {
    ISSUER: `http://127.0.0.1:${loginPort}`,
    RESOURCE: `http://127.0.0.1:${port}/mcp`,
  }
  const login = await node('mcp/login.js')(app, env)
  const server = await srvx('mcp/server.ts')(app, { ...env, PORT: `${port}` })
  const client = spawnProgram(locate(findNode('24')), ['mcp/client.ts'], { cwd: app, env })
  try {
    for (const time of [1, 2]) {
      const printed = await client.printed(new RegExp(`(?:[^]*Log in: (\\S+)\\n){${time}}`))
      const callback = await logIn(new URL(printed[1] ?? ''))
      expect((await fetch(callback)).status).toBe(200)
    }
    expect(await client.ended).toBe(0)
    expect(client.stdout()).toMatch(/No notes yet[^]*Added[^]*alice wrote: hello/)
  } finally {
    client.kill('SIGKILL')
    await Promise.all([server.stop(), login.stop()])
  }
})
