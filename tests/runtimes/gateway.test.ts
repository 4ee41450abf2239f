import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  itIsAGateway,
  itSendsItsOwnHeadersFirst,
  itUsesTheConnectionOfHeadOnce,
} from '../support/gateway-behaviour.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { NODES } from './support/binaries.ts'
import { send } from './support/http.ts'
import { onBun, onDeno, onNode, onSrvx, onWorkerd } from './support/served-program.ts'
import { TOKEN } from '../support/token.ts'
import type { RawUpstream } from '../support/raw-upstream.ts'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

const PROGRAM = 'gateway.js'
const SERVERS: readonly (readonly [name: string, start: Start])[] = [
  ...NODES.flatMap((node) => [
    [`${node.name} with @hono/node-server`, onNode(node, '@hono/node-server', PROGRAM)] as const,
    [`${node.name} with srvx`, onSrvx(node, PROGRAM)] as const,
  ]),
  ['Bun', onBun(PROGRAM)],
  ['Deno', onDeno(PROGRAM)],
  ['workerd', onWorkerd(PROGRAM)],
  ['workerd with nodejs_compat', onWorkerd(PROGRAM, 'nodejs_compat')],
]

let upstream: RawUpstream
beforeAll(async () => {
  upstream = await startRawUpstream()
  const module = `export const upstream = ${JSON.stringify(upstream.url)}\n`
  writeFileSync(join(inject('app'), 'gateway-upstream.js'), module)
})
afterAll(() => upstream.close())

describe.each(SERVERS)('%s', (name, start) => {
  let running: RunningServer
  beforeAll(async () => {
    upstream.calls.length = 0
    running = await start(inject('app'), { AUTH_ENDPOINT: 'http://127.0.0.1:1' })
  })
  afterAll(() => running.stop())

  const served = () => ({ port: Number(new URL(running.url).port), upstream })
  itIsAGateway(
    served,
    name.startsWith('workerd') ? 'decoded' : 'coded',
    name.startsWith('workerd') ? 'resetAndDestroy' : 'destroy',
    name === 'Bun' ? 'with the body' : 'at once',
  )
  // No option of `fetch` makes workerd open a new connection.
  if (!name.startsWith('workerd')) itUsesTheConnectionOfHeadOnce(served)
  if (/^(?:Node|Deno)/.test(name)) itSendsItsOwnHeadersFirst(served)

  it('serves on', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await send(running.url, { target: '/on', headers })).toMatchObject({ status: 200 })
  })
})
