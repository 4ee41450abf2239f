import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { BUN, DENO, NODES } from './support/binaries.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { Start } from './support/served-program.ts'

/** A gateway that signs, and a server that trusts the signature, on one runtime and its WebCrypto. */

type On = (program: string) => Start

const RUNTIMES: readonly (readonly [name: string, on: On])[] = [
  ...NODES.map((node): [string, On] => [node.name, (program) => onSrvx(node, program)]),
  ['Bun', (program) => onCommand(BUN, '--port=0', program)],
  ['Deno', (program) => onCommand(DENO, ...DENO_SERVE, program)],
  ['workerd', (program) => onWorkerd(program)],
  ['workerd with nodejs_compat', (program) => onWorkerd(program, 'nodejs_compat')],
]

async function start(on: Start): Promise<string> {
  const { url, stop } = await on(inject('app'), {})
  onTestFinished(() => stop())
  return url
}

it.each(RUNTIMES)('an identity is signed and checked on %s', async (_name, on) => {
  const behind = await start(on('signed-behind.js'))
  const module = `export const upstream = ${JSON.stringify(behind)}\n`
  writeFileSync(join(inject('app'), 'signed-upstream.js'), module)
  const gateway = await start(on('signed-gateway.js'))

  const forged = { 'x-auth-principal': 'admin', 'x-auth-signature': `t=1,v1=${'0'.repeat(64)}` }
  const headers = { authorization: 'Bearer k', ...forged }
  const through = await fetch(new URL('/a%2Fb/%C3%A9?q=1', gateway), { method: 'PUT', headers })
  expect(await through.json()).toMatchObject({
    principal: 'José, a%20b',
    tenant: 'acme',
    attributes: { roles: ['größe'] },
  })
  expect((await fetch(behind, { headers: forged })).status).toBe(403)
})
