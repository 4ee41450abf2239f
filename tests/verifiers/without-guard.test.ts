import { expect, it } from 'vitest'
import {
  firstOf,
  fromUpstream,
  githubToken,
  introspection,
  kubernetesToken,
} from '../../src/verifiers.ts'
import { startService } from '../support/verifier-service.ts'
import type { DefinedVerifier } from '../../src/index.ts'

/** A caller without a guard takes no warnings. It gets the same verdict, or the same reason of an outage. */

type Make = (at: string) => DefinedVerifier

const OUTAGE = { reason: 'service_error', status: 401 }
const client = 'none'
const allow = { clientId: 'a', clientSecret: 'b' }
const TOKEN = `gho_${'a1B2'.repeat(9)}`
const byReview = (apiServerUrl: string, own: string): DefinedVerifier =>
  kubernetesToken({ apiServerUrl, audiences: 'a', token: () => own })

const ask = async (verifier: DefinedVerifier, token = TOKEN, headers = {}): Promise<unknown> =>
  verifier.ask({ token, request: { path: '', headers, params: {} } }, AbortSignal.timeout(5000))

it.each<[string, Make, object]>([
  ['introspection', (url) => introspection({ url, client }), OUTAGE],
  ['introspection by issuer', (issuer) => introspection({ issuer, client }), OUTAGE],
  ['githubToken', (baseUrl) => githubToken({ allow, baseUrl }), OUTAGE],
  ['kubernetesToken', (at) => byReview(at, 'own'), OUTAGE],
  ['kubernetesToken without a token', (at) => byReview(at, ''), { cause: { code: 'NO_TOKEN' } }],
  ['firstOf', (url) => firstOf([introspection({ url, client })], { retry: false }), OUTAGE],
])('%s gives the reason of an outage', async (_name, make, reason) => {
  const { port } = await startService(() => ({ status: 401 }))
  await expect(ask(make(`http://127.0.0.1:${port}`))).rejects.toMatchObject(reason)
})

it('introspection denies ten inactive tokens', async () => {
  const { url } = await startService(() => ({ json: { active: false } }))
  const verifier = introspection({ url, client })
  for (let count = 0; count < 10; count += 1) {
    expect(await ask(verifier)).toMatchObject({ detail: 'inactive' })
  }
})

it.each([
  ['a token from elsewhere', 'alice', {}],
  ['a header that came twice', 'root, alice', { 'x-user': 'root, alice' }],
])('fromUpstream denies %s', async (_what, token, headers) => {
  const options = { principalHeader: 'x-user', proof: { network: true } } as const
  const verdict = await ask(fromUpstream(options).verifier, token, headers)
  expect(verdict).toMatchObject({ outcome: 'deny', detail: 'malformed' })
})
