import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { issueToken, startOidcIssuer } from './support/oidc.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { Start } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'

/** The npm package oidc-provider, an OpenID-certified issuer, and a guard on each runtime that finds its keys by discovery. */

const GUARD = 'jwt-guard.js'
const RUNTIMES: readonly (readonly [name: string, start: Start])[] = [
  ...SOME_NODES.map((node) => [node.name, onSrvx(node, GUARD)] as const),
  ['Bun', onCommand(BUN, '--port=0', GUARD)],
  ['Deno', onCommand(DENO, ...DENO_SERVE, '--allow-env=ISSUER', GUARD)],
  ['workerd', onWorkerd(GUARD)],
]
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA']

let issuer: RunningServer

beforeAll(async () => void (issuer = await startOidcIssuer(inject('app'))))
afterAll(() => issuer.stop())

function headerOf(token: string): string {
  return atob(token.split('.')[0] ?? '')
}

async function call(url: string, token: string, passMs = 0): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'x-pass-ms': String(passMs) }
  const response = await fetch(url, { headers })
  return response.status === 200 ? response.json() : response.status
}

it.each(RUNTIMES)(
  'jwt() accepts its tokens, also after a rotation, on %s',
  async (_name, start) => {
    const server = await start(inject('app'), { ISSUER: issuer.url })
    const allowed = {
      principal: 'app',
      clientId: 'app',
      attributes: {},
      scopes: ['read'],
      expiresAt: expect.any(Number),
    }
    try {
      const before = await Promise.all(
        ALGORITHMS.map((alg) => issueToken(issuer, `urn:api:${alg}`)),
      )
      for (const token of before) expect(await call(server.url, token)).toEqual(allowed)
      expect(await call(server.url, await issueToken(issuer, 'urn:other:ES256'))).toBe(401)
      await fetch(`${issuer.url}/rotate`, { method: 'POST' })
      const after = await Promise.all(ALGORITHMS.map((alg) => issueToken(issuer, `urn:api:${alg}`)))
      expect(after.map(headerOf)).not.toEqual(before.map(headerOf))
      for (const token of [...after, ...before]) {
        expect(await call(server.url, token, 31_000)).toEqual(allowed)
      }
    } finally {
      await server.stop()
    }
  },
  60_000,
)
