import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'

const { inFolder, reached, endpoint, start } = setupGateway((_, response) => {
  response.end('from the upstream')
})

const PATH = '/.well-known/oauth-protected-resource/mcp'

async function startWith(more: string) {
  const file = inFolder('run.yaml')
  const resource = `resource: { identifier: "https://mcp.example.com/mcp", authorization_servers: ["https://login.example.com"]${more} }`
  const policy = 'route_policy: [{ permit: { paths: "/open*" } }, { forbid: { paths: "/admin*" } }]'
  const auth = `endpoint: "${endpoint().url}", ${resource}`
  writeFileSync(file, `server: { auth: { ${auth}, ${policy} } }\n`)
  const gateway = start(['--config', file])
  return { ...gateway, url: await gateway.listening() }
}

describe('with-auth gateway', () => {
  it('answers 403 to a caller whom the policy forbids, and logs the rule', async () => {
    const gateway = await startWith('')
    expect((await call(`${gateway.url}/open`, KEY)).status).toBe(200)
    for (const path of ['/admin/users', '/elsewhere']) {
      const response = await call(`${gateway.url}${path}`, KEY)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([403, null])
      expect(await response.json()).toMatchObject({ error: { code: 'forbidden' } })
    }
    expect(reached).toEqual(['/open'])
    const logged = gateway.logged('decision')
    expect(
      logged.map(({ outcome, reason, status, rule }) => [outcome, reason, status, rule]),
    ).toEqual([
      ['allow', undefined, 200, undefined],
      ['deny', 'forbidden', 403, 1],
      ['deny', 'forbidden', 403, undefined],
    ])
  })

  it('answers for the metadata of the resource itself, without a line in the log', async () => {
    const gateway = await startWith(', require: ["mcp:read"]')
    const response = await call(`${gateway.url}${PATH}`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ resource: 'https://mcp.example.com/mcp' })
    expect((await fetch(`${gateway.url}${PATH}`, { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch(`${gateway.url}${PATH}`, { method: 'DELETE' })).status).toBe(405)
    expect(gateway.logged('decision')).toEqual([])
    const missing = await call(`${gateway.url}/open`)
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="api", scope="mcp:read", resource_metadata="https://mcp.example.com${PATH}"`,
    ])
    const narrow = await call(`${gateway.url}/open`, KEY)
    expect(narrow.status).toBe(403)
    expect(narrow.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    expect(reached).toEqual([])
  })
})
