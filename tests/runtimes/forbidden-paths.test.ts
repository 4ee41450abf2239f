import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { exchange } from '../support/raw-client.ts'
import { FORBIDDEN_ROWS, MANY_HEADERS } from './raw-requests/path-rows.ts'
import { get } from './raw-requests/row.ts'
import { startAuthEndpoint } from '../support/auth-endpoint.ts'
import { findNode } from './support/binaries.ts'
import { argsBefore, commandFile, RUNTIMES } from './support/command.ts'
import { startServer } from './support/server-process.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'
import type { RunningServer } from './support/server-process.ts'

/** Raw requests through the gateway to Express, which routes without case. The key lacks the role that a forbid asks for. */

const ROLES: Readonly<Record<string, string>> = { bob: 'user', root: 'admin' }
const as = (token: string): string => `Authorization: Bearer ${token}`

let endpoint: AuthEndpoint
let upstream: RunningServer
let config: string
beforeAll(async () => {
  endpoint = await startAuthEndpoint(({ token }) => {
    const caller = { principal: token, attributes: { roles: [ROLES[token]] } }
    return { status: token in ROLES ? 200 : 401, body: JSON.stringify(caller) }
  })
  config = join(inject('app'), 'forbidden-paths.yaml')
  writeFileSync(
    config,
    `server:
  auth:
    endpoint: ${endpoint.url}
    route_policy:
      - forbid: { paths: /admin* }
        unless: user with admin in roles
      - permit: { paths: '*' }
`,
  )
  const servers = join(import.meta.dirname, 'servers')
  const args = ['express-upstream.js']
  upstream = await startServer({ binary: findNode('24'), args, cwd: servers, env: {} })
})
afterAll(async () => {
  await upstream.stop()
  await endpoint.close()
})

const ran = (): number => upstream.printed().split('RAN ').length - 1

describe.each(FORBIDDEN_ROWS)('%s', (_title, targets) => {
  it.each(targets)('runs the handler of Express without a gateway: %s', async (target) => {
    expect((await exchange(upstream.url, get(target)))?.body).toContain('secret')
  })
})

describe.each(RUNTIMES)('the gateway on $name', (binary) => {
  let gateway: RunningServer
  beforeAll(async () => {
    const line = ['gateway', '--config', config, '--upstream', upstream.url, '--port=0']
    const args = [...argsBefore(binary), commandFile(), ...line]
    gateway = await startServer({ binary, args, cwd: inject('app'), env: {} })
  })
  afterAll(() => gateway.stop())

  it.each(FORBIDDEN_ROWS)('passes on no request for %s', async (_title, targets) => {
    const before = ran()
    for (const target of targets) {
      const response = await exchange(gateway.url, get(target, as('bob')))
      expect([target, response?.status]).toEqual([target, expect.toSatisfy(isRejection)])
    }
    expect(ran()).toBe(before)
  })

  it('passes on the same for the role, in every case', async () => {
    for (const target of ['/admin/secret', '/ADMIN/secret']) {
      expect((await exchange(gateway.url, get(target, as('root'))))?.body).toContain('secret')
    }
  })

  it('names the caller to Express, whatever number of headers comes', async () => {
    expect((await exchange(gateway.url, get('/me', as('bob'))))?.body).toContain('principal bob')
    const many = await exchange(gateway.url, get('/me', as('bob'), ...MANY_HEADERS))
    expect(many?.body ?? '').not.toContain('principal')
    expect(many?.status).toSatisfy((status) => status === 400 || status === 431)
  })
})

function isRejection(status: unknown): boolean {
  return status === 400 || status === 403
}
