import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { configCommand } from '../../../src/cli/commands/config.ts'
import { revokeCommand } from '../../../src/cli/commands/revoke.ts'
import { runLine } from '../../support/surroundings.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'

/** `route_policy`, `access_policy` and `resource` of a run.yaml, in the command. */

const { endpoint, inFolder, reached, start } = setupGateway((_, response) => response.end())
const WARNING =
  'Rule 0 of the route policy forbids some paths, and rule 1 permits "*": your server may read a path in another way than rule 0. Permit what you know'
const FLAG = '--upstream-enforces-access-policy'

function write(lines: string): string {
  const file = inFolder('run.yaml')
  writeFileSync(file, `server: { auth: { endpoint: "${endpoint().url}", ${lines} } }`)
  return file
}

describe('with-auth gateway --config', () => {
  it('obeys route_policy, logs the rule, and follows the file', async () => {
    const rules = '[{ permit: { paths: "/v1*" } }, { forbid: { paths: "*" } }]'
    const gateway = start(['--config', write(`route_policy: ${rules}`), '--json'])
    const url = await gateway.listening()
    expect((await call(`${url}/v1/models`, KEY)).status).toBe(200)
    expect((await call(`${url}/admin`, KEY)).status).toBe(403)
    expect((await call(`${url}/admin`)).status).toBe(401)
    const denied = gateway.logged('decision').find(({ reason }) => reason === 'forbidden')
    expect(denied).toMatchObject({ outcome: 'deny', status: 403, rule: 1 })
    write('route_policy: [{ permit: { paths: "/admin" } }]')
    await vi.waitFor(async () => expect((await call(`${url}/admin`, KEY)).status).toBe(200), 10_000)
    expect((await call(`${url}/v1/models`, KEY)).status).toBe(403)
    expect(reached).toEqual(['/v1/models', '/admin'])
  })

  it('warns at its start of a forbid that is followed by permit: "*"', async () => {
    const rules = '[{ forbid: { paths: /admin } }, { permit: { paths: "*" } }]'
    const gateway = start(['--config', write(`route_policy: ${rules}`), '--json'])
    await gateway.listening()
    expect(gateway.logged('warning').map(({ message }) => message)).toEqual([WARNING])
  })

  it('starts with access_policy only if the upstream enforces it', async () => {
    for (const policy of ['[]', '[{ permit: { actions: [read] } }]']) {
      const config = ['--config', write(`access_policy: ${policy}`)]
      const refused = start(config)
      expect(await refused.ended).toBe(1)
      expect(refused.noted()).toContain(FLAG)
      const url = await start([...config, FLAG]).listening()
      expect((await call(url, KEY)).status).toBe(200)
      expect((await call(url)).status).toBe(401)
    }
  })

  it('answers for the metadata of its resource itself, without a line in the log', async () => {
    const path = '/.well-known/oauth-protected-resource/mcp'
    const gateway = start([
      '--config',
      write(
        'resource: { identifier: "https://mcp.example.com/mcp", authorization_servers: ["https://login.example.com"], require: ["mcp:read"] }',
      ),
    ])
    const url = await gateway.listening()
    const response = await call(`${url}${path}`)
    expect(await response.json()).toMatchObject({ resource: 'https://mcp.example.com/mcp' })
    expect((await fetch(`${url}${path}`, { method: 'DELETE' })).status).toBe(405)
    expect(gateway.logged('decision')).toEqual([])
    const missing = await call(`${url}/open`)
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="api", scope="mcp:read", resource_metadata="https://mcp.example.com${path}"`,
    ])
    const narrow = await call(`${url}/open`, KEY)
    expect(narrow.status).toBe(403)
    expect(narrow.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect(reached).toEqual([])
  })
})

describe('with-auth config', () => {
  const run = (lines: string, ...args: string[]) =>
    runLine(['config', write(lines), ...args], [configCommand])

  it('needs the flag for a file with access_policy', async () => {
    const without = await run('access_policy: []')
    expect(without.code).toBe(1)
    expect(without.noted).toContain(FLAG)
    const { code, printed } = await run('access_policy: []', FLAG)
    expect(code).toBe(0)
    expect(printed).not.toContain('access_policy')
  })
})

it('with-auth revoke needs no flag: it takes only the store of the file', async () => {
  const args = ['revoke', '--config', write('access_policy: []'), '--all']
  const { code, noted } = await runLine(args, [revokeCommand])
  expect(code).toBe(1)
  expect(noted).toContain('it has no server.auth.store')
})
