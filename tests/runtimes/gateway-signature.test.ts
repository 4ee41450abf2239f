import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { fieldOf, startRawUpstream } from '../support/raw-upstream.ts'
import { SERVING } from './support/served-program.ts'
import type { Start } from './support/served-program.ts'

/** A gateway that signs, and a server that trusts the signature, on one runtime and its WebCrypto. */

async function start(on: Start): Promise<string> {
  const { url, stop } = await on(inject('app'), {})
  onTestFinished(() => stop())
  return url
}

async function startGateway(on: Start, upstream: string, encoding: string): Promise<string> {
  writeFileSync(
    join(inject('app'), 'signed-upstream.js'),
    `export const { upstream, encoding } = ${JSON.stringify({ upstream, encoding })}\n`,
  )
  return start(on)
}

it.each(SERVING)('on %s an identity is signed and checked, in each encoding', async (_name, on) => {
  const upstream = await start(on('signed-behind.js'))
  const forged = { 'x-auth-principal': 'admin', 'x-auth-signature': `t=1,v1=${'0'.repeat(64)}` }
  expect((await fetch(upstream, { headers: forged })).status).toBe(403)
  for (const [encoding, version] of [
    ['percent', 'v1'],
    ['utf-8', 'v2'],
  ] as const) {
    const gateway = await startGateway(on('signed-gateway.js'), upstream, encoding)
    const headers = { authorization: 'Bearer k', ...forged }
    const through = await fetch(new URL('/a%2Fb/%C3%A9?q=1', gateway), { method: 'PUT', headers })
    expect(await through.json()).toMatchObject({
      signedBy: version,
      principal: 'José, a%20b',
      tenant: 'acme',
      attributes: { roles: ['größe'] },
    })
  }
})

it.each(SERVING)('on %s a name in UTF-8 is sent as its bytes', async (_name, on) => {
  const upstream = await startRawUpstream()
  onTestFinished(() => upstream.close())
  const gateway = await startGateway(on('signed-gateway.js'), upstream.url, 'utf-8')
  await fetch(gateway, { headers: { authorization: 'Bearer k' } })
  const sent = upstream.calls.map((call) => fieldOf(call, 'x-auth-principal') ?? '')
  expect(sent.map((text) => String(Buffer.from(text, 'latin1')))).toEqual(['José, a%20b'])
})
