import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../src/index.ts'
import { endpointVerifier, firstOf } from '../../src/verifiers.ts'
import { guardOf, guardWith } from '../support/guarded-verifier.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { EndpointVerifierOptions } from '../../src/verifiers.ts'
import type { Answer } from '../support/verifier-service.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

type Given = Partial<EndpointVerifierOptions>

const HEADERS = { 'x-org': 'acme', cookie: 'a=b' }
const BY_TOKEN = { headers: [], params: 'none', path: false } as const

async function start(answer: Answer, given: Given = {}, config: AuthConfig = {}) {
  const service = await startService(answer)
  const verifier = endpointVerifier({ endpoint: service.url, ...given })
  return { ...service, verifier, ...guardWith(verifier, config) }
}

describe('the contract', () => {
  it('is that of `endpoint`: the same question', async () => {
    const endpointHeaders = { 'x-auth-secret': 'hunter2' }
    const { calls, ask, url } = await start(() => ({ json: {} }), { endpointHeaders })
    await ask(TOKEN, '/v1/a?b=c', HEADERS)
    await guardOf({ endpoint: url, endpointHeaders }).ask(TOKEN, '/v1/a?b=c', HEADERS)
    const [own, usual] = calls
    expect(own?.body).toBe(usual?.body)
    expect(own?.headers['x-auth-secret']).toBe('hunter2')
    expect(JSON.parse(own?.body ?? '')).toMatchObject({
      api_key: TOKEN,
      request: { path: '/v1/a', headers: { 'x-org': 'acme' }, params: { b: 'c' } },
    })
  })

  it('ends with the signal of a caller without a guard, also over a `fetch` that ignores it', async () => {
    const fetch = (): Promise<never> => new Promise(() => undefined)
    const { ask } = endpointVerifier({ endpoint: 'https://auth.example.test', fetch })
    const request = { path: '/', headers: {}, params: {} }
    const verdict = ask({ token: TOKEN, request }, AbortSignal.timeout(20))
    await expect(verdict).rejects.toMatchObject({ reason: 'timeout' })
  })

  it('is that of `endpoint`: the trace of the request, also as a member', async () => {
    const { calls, ask, verifier } = await start(() => ({ json: {} }))
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await ask(TOKEN, '/', { traceparent })
    await guardWith(firstOf([verifier])).ask(TOKEN, '/', { traceparent })
    expect(calls.map(({ headers }) => headers['traceparent'])).toEqual([traceparent, traceparent])
  })

  it('is that of `endpoint`: the identity in the body', async () => {
    const exp = Math.floor(Date.now() / 1000) + 60
    const body = {
      principal: 'alice',
      attributes: { roles: ['a'] },
      scope: 'read write',
      client_id: 'app',
      exp,
      org: { id: 'acme' },
    }
    const { ask } = await start(() => ({ json: body }), { tenantField: 'org.id' })
    expect((await ask()).auth).toEqual({
      principal: 'alice',
      attributes: { roles: ['a'] },
      scopes: ['read', 'write'],
      clientId: 'app',
      tenant: 'acme',
      expiresAt: exp * 1000,
    })
  })

  it.each<[string, ReturnType<Answer>]>([
    ...[200, 201, 204, 302, 401, 403, 404, 429, 500, 503].map(
      (status): [string, { status: number }] => [`a ${status}`, { status }],
    ),
    ['max-age', { headers: { 'cache-control': 'max-age=0' } }],
    ['must-revalidate', { headers: { 'cache-control': 'must-revalidate' } }],
  ])(
    'is that of `endpoint`: what %s means, for how long, and in an outage',
    async (_what, said) => {
      const { url, answerWith, verifier } = await start(() => said, { context: BY_TOKEN })
      const decided: unknown[][] = []
      for (const given of [{ verifier }, { endpoint: url, context: BY_TOKEN }]) {
        answerWith(() => said)
        const cache = memoryCache({ allowTtlMs: 200, staleIfErrorMs: 60_000 })
        const { ask } = guardOf({ ...given, cache })
        const events = [await ask(), await ask()]
        answerWith(() => ({ status: 503 }))
        pass(250)
        events.push(await ask())
        decided.push(events.map((event) => ({ ...event, verifier: '', durationMs: 0 })))
      }
      expect(decided[0]).toEqual(decided[1])
    },
  )

  it('is that of `endpoint`: an identity that is dropped is warned of, once', async () => {
    const { ask, warnings } = await start(() => ({ json: { principal: 7 } }))
    await ask()
    await ask()
    expect(warnings()).toEqual([expect.stringContaining('"principal" must be a string')])
    const required = await start(() => ({ json: {} }), { identity: 'required' })
    expect(await required.ask()).toMatchObject({ reason: 'invalid_response' })
  })

  it('denies a tenant that is a list, if it says where the tenant is', async () => {
    const body = { principal: 'a', tenant: ['acme'] }
    const { ask } = await start(() => ({ json: body }), { tenantField: 'tenant' })
    expect(await ask()).toMatchObject({ reason: 'denied', detail: 'tenant' })
  })
})

it('tells the endpoint its own context, though the guard tells more', async () => {
  const { verifier, calls } = await start(() => ({ json: {} }), { context: BY_TOKEN })
  const context = { headers: ['x-org'], path: true } as const
  await guardWith(verifier, { context }).ask(TOKEN, '/a', HEADERS)
  expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
    api_key: TOKEN,
    request: { path: '', headers: {}, params: {} },
  })
})

describe('the options', () => {
  const ENDPOINT = 'https://auth.example.com/validate'

  it('are described without secrets, and give an id', () => {
    const plain = endpointVerifier({ endpoint: ENDPOINT })
    expect(plain).toMatchObject({ label: 'endpoint', warnings: [], consumes: [] })
    expect(plain.id).toMatch(/^\["endpoint",/)
    expect(plain.reads).toMatchObject({ headers: 'all', params: 'values', path: true })
    const secret = endpointVerifier({
      endpoint: `${ENDPOINT}?k=hunter2`,
      endpointHeaders: { 'x-key': 'hunter2' },
    })
    expect(secret.describe?.()).toMatchObject({
      type: 'endpoint',
      endpoint: `${ENDPOINT}?***`,
      endpointHeaders: { 'x-key': '[redacted]' },
      identity: 'optional',
      tenantField: 'tenant',
    })
    expect(secret.id).not.toContain('hunter2')
    const accepts = (): boolean => true
    expect(endpointVerifier({ endpoint: ENDPOINT, accepts }).id).toBeUndefined()
    const others: Given[] = [
      { endpointHeaders: { 'x-key': 'hunter2' } },
      { endpointHeaders: { 'x-key': 'hunter3' } },
      { endpoint: `${ENDPOINT}2` },
      { identity: 'required' },
      { tenantField: 'org' },
      { context: BY_TOKEN },
    ]
    const made = others.map((given) => endpointVerifier({ endpoint: ENDPOINT, ...given }))
    const ids = [plain, secret, ...made].map(({ id }) => id)
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('warn of clear text, also through `firstOf`', () => {
    const insecure = { endpoint: 'http://auth.example.com', allowInsecureHttp: true }
    const { warnings } = guardWith(firstOf([endpointVerifier(insecure)]))
    expect(warnings()).toEqual([expect.stringContaining('clear text')])
  })
})
