import { describe, expect, it } from 'vitest'
import { withAuth } from '../../../src/index.ts'
import { createKey } from '../../../src/keys.ts'
import { fromUpstream } from '../../../src/verifiers.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import type { IncomingHttpHeaders } from 'node:http'

const SECRET = '0123456789abcdef0123456789abcdef'
const NEXT = 'fedcba9876543210fedcba9876543210'

let received: IncomingHttpHeaders
const { endpoint, inFolder, start } = setupGateway(({ headers }, response) => {
  received = headers
  response.end()
})

/** The status that a guard with these secrets gives to the last request that the upstream got. */
async function judge(path: string, ...secret: readonly string[]): Promise<number> {
  const proof = { signature: 'x-auth-signature', secret }
  const config = fromUpstream({ principalHeader: 'x-auth-principal', proof })
  const headers = new Headers(
    Object.entries(received).filter(
      (field): field is [string, string] => typeof field[1] === 'string',
    ),
  )
  const guarded = withAuth(() => new Response(), config)
  return (await guarded(new Request(`http://api.test${path}`, { headers }))).status
}

async function startSigning(secrets: string) {
  const gateway = start(['--public', '/public/*'], {
    AUTH_ENDPOINT: endpoint().url,
    WITH_AUTH_SIGN_SECRET: secrets,
  })
  return { ...gateway, url: await gateway.listening() }
}

describe('WITH_AUTH_SIGN_SECRET', () => {
  it('signs each identity, and nothing on a public path', async () => {
    const { url, printed, noted } = await startSigning(SECRET)
    expect((await call(`${url}/a?b=c`, KEY)).status).toBe(200)
    expect(await judge('/a', SECRET)).toBe(200)
    expect(await judge('/b', SECRET)).toBe(403)
    const claimed = { headers: { 'X-Auth-Signature': 't=1,v1=0', X_Auth_Signature: 't=1,v1=0' } }
    expect((await fetch(`${url}/public/x`, claimed)).status).toBe(200)
    expect(Object.keys(received).join()).not.toMatch(/x.auth/i)
    expect(printed() + noted()).not.toContain(SECRET)
  })

  it('signs with the first of several secrets', async () => {
    const { url } = await startSigning(`${NEXT} ${SECRET}`)
    await call(`${url}/a`, KEY)
    expect(await judge('/a', SECRET, NEXT)).toBe(200)
    expect(await judge('/a', SECRET)).toBe(403)
  })

  it('signs names in UTF-8 with --identity-encoding utf-8', async () => {
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'Jürgen Müller', tenant: 'acme' })
    const args = ['--keys', file, '--identity-encoding', 'utf-8']
    const url = await start(args, { WITH_AUTH_SIGN_SECRET: SECRET }).listening()
    expect((await call(`${url}/a`, key)).status).toBe(200)
    const principal = String(received['x-auth-principal'])
    expect(Buffer.from(principal, 'latin1').toString()).toBe('Jürgen Müller')
    expect(received['x-auth-tenant']).toBe('acme')
    expect(await judge('/a', SECRET)).toBe(200)
  })

  it.each([
    '',
    'short-secret',
    `${SECRET} `,
    `${SECRET} short-secret`,
    `${SECRET}\u00fc`,
    `${SECRET}\n`,
  ])('%j stops the start, and is not shown', async (secrets) => {
    const gateway = start([], { AUTH_ENDPOINT: endpoint().url, WITH_AUTH_SIGN_SECRET: secrets })
    expect(await gateway.ended).toBe(2)
    expect(gateway.noted()).toContain(
      'WITH_AUTH_SIGN_SECRET must be 16 to 1024 visible ASCII characters',
    )
    expect(gateway.printed() + gateway.noted()).not.toMatch(/short-secret|01234/)
  })
})
