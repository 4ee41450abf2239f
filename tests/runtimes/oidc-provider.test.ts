import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { issueToken, startOidcIssuer } from './support/oidc.ts'
import { onEach } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'

/** The npm package oidc-provider, an OpenID-certified issuer, and a guard on each runtime that finds its keys by discovery. */

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
const ALLOWED = {
  principal: 'app',
  clientId: 'app',
  attributes: {},
  scopes: ['read'],
  expiresAt: expect.any(Number) as number,
}

let issuer: RunningServer
beforeAll(async () => void (issuer = await startOidcIssuer(inject('app'))))
afterAll(() => issuer.stop())

const issueEach = (): Promise<string[]> =>
  Promise.all(ALGORITHMS.map((alg) => issueToken(issuer, `urn:api:${alg}`)))

/** A token by its header, its claims and its signature. */
const partsOf = (token = ''): [string, string, string] =>
  token.split('.') as [string, string, string]

async function call(url: string, token: string, passMs = 0): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'x-pass-ms': String(passMs) }
  const response = await fetch(url, { headers })
  return response.status === 200 ? response.json() : response.status
}

it.each(onEach('jwt-guard.js', '--allow-env=ISSUER'))(
  'jwt() accepts its tokens, also after a rotation, and no other, on %s',
  async (_name, start) => {
    const server = await start(inject('app'), { ISSUER: issuer.url })
    try {
      const before = await issueEach()
      for (const token of before) expect(await call(server.url, token)).toEqual(ALLOWED)
      expect(await call(server.url, await issueToken(issuer, 'urn:other:ES256'))).toBe(401)
      await fetch(`${issuer.url}/rotate`, { method: 'POST' })
      const after = await issueEach()
      expect(after.map((token) => partsOf(token)[0])).not.toEqual(
        before.map((token) => partsOf(token)[0]),
      )
      for (const token of [...after, ...before]) {
        expect(await call(server.url, token, 31_000)).toEqual(ALLOWED)
      }
      for (const [index, token] of after.entries()) {
        const [head, claims, signature] = partsOf(token)
        const [, , old] = partsOf(before[index])
        expect(await call(server.url, `${head}.${claims}.${old}`)).toBe(401)
        const none = btoa('{"alg":"none","typ":"at+jwt"}')
        expect(await call(server.url, `${none}.${claims}.${signature}`)).toBe(401)
      }
    } finally {
      await server.stop()
    }
  },
)
