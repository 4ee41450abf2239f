import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { AddressInfo } from 'node:net'
import type { Start } from './support/served-program.ts'

/** A gateway that signs, and a server that trusts the signature, on one runtime and its WebCrypto. */

type On = (program: string) => Start

const RUNTIMES: readonly (readonly [name: string, on: On])[] = [
  ...SOME_NODES.map((node): [string, On] => [node.name, (program) => onSrvx(node, program)]),
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

/** Passes bytes on to a server, and keeps what was sent to it. */
async function tap(to: string): Promise<{ readonly url: string; readonly sent: () => string }> {
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    const behind = connect(Number(new URL(to).port), '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
    socket.on('error', () => behind.destroy())
    behind.on('error', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, sent: () => Buffer.concat(chunks).toString() }
}

const WRITTEN = { percent: 'Jos%C3%A9%2C%20a%2520b', 'utf-8': 'José, a%20b' }
const ENCODINGS = ['percent', 'utf-8'] as const
const CASES = RUNTIMES.flatMap(([name, on]) => ENCODINGS.map((form) => [name, form, on] as const))

it.each(CASES)('on %s an identity in %s is signed and checked', async (_name, encoding, on) => {
  const behind = await start(on('signed-behind.js'))
  const { url: upstream, sent } = await tap(behind)
  const module = { upstream, encoding }
  writeFileSync(
    join(inject('app'), 'signed-upstream.js'),
    `export const { upstream, encoding } = ${JSON.stringify(module)}\n`,
  )
  const gateway = await start(on('signed-gateway.js'))

  const forged = { 'x-auth-principal': 'admin', 'x-auth-signature': `t=1,v1=${'0'.repeat(64)}` }
  const headers = { authorization: 'Bearer k', ...forged }
  const through = await fetch(new URL('/a%2Fb/%C3%A9?q=1', gateway), { method: 'PUT', headers })
  expect(await through.json()).toMatchObject({
    principal: 'José, a%20b',
    tenant: 'acme',
    attributes: { roles: ['größe'] },
  })
  expect(sent().toLowerCase()).toContain(
    `\r\nx-auth-principal: ${WRITTEN[encoding]}\r\n`.toLowerCase(),
  )
  expect((await fetch(behind, { headers: forged })).status).toBe(403)
})
