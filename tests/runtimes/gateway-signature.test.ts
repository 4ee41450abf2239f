import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { SERVING } from './support/served-program.ts'
import type { Start } from './support/served-program.ts'

/** A gateway that signs, and a server that trusts the signature, on one runtime and its WebCrypto. */

async function start(on: Start): Promise<string> {
  const { url, stop } = await on(inject('app'), {})
  onTestFinished(() => stop())
  return url
}

it.each(SERVING)('on %s an identity is signed and checked, in each encoding', async (_name, on) => {
  const upstream = await start(on('signed-behind.js'))
  const forged = { 'x-auth-principal': 'admin', 'x-auth-signature': `t=1,v1=${'0'.repeat(64)}` }
  expect((await fetch(upstream, { headers: forged })).status).toBe(403)
  for (const [encoding, version] of [
    ['percent', 'v1'],
    ['utf-8', 'v2'],
  ]) {
    writeFileSync(
      join(inject('app'), 'signed-upstream.js'),
      `export const { upstream, encoding } = ${JSON.stringify({ upstream, encoding })}\n`,
    )
    const gateway = await start(on('signed-gateway.js'))
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
