import { describe, expect, it, vi } from 'vitest'
import { createRandomKey, createRandomKeyAsker } from '../../src/cli/proof.ts'
import type { AuthConfig, Transport } from '../../src/index.ts'

const endpoint = 'https://auth.example.com/validate'

function asker(fetch: Transport, config: AuthConfig = {}) {
  const ask = createRandomKeyAsker({ endpoint, retry: false, fetch, ...config })
  return async () => (await ask()).outcome
}

function answering(status: number, body?: string): Transport {
  return async () => new Response(body ?? null, { status })
}

describe('a random key', () => {
  it('has 256 bits, and is another each time', () => {
    expect(createRandomKey()).toMatch(/^random_[\da-f]{64}$/)
    expect(createRandomKey()).not.toBe(createRandomKey())
  })

  it.each([
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [302, 'refused'],
    [204, 'refused'],
    [200, 'let_in'],
    [429, 'no_answer'],
    [500, 'no_answer'],
    [503, 'no_answer'],
  ])('and the endpoint answers %i: %s', async (status, outcome) => {
    expect(await asker(answering(status))()).toBe(outcome)
  })

  it('is not answered by an endpoint that is down or silent', async () => {
    expect(await asker(() => Promise.reject(new TypeError('refused')))()).toBe('no_answer')
    const silent = asker(() => new Promise(() => undefined), { timeoutMs: 5 })
    expect(await silent()).toBe('no_answer')
  })

  it.each<[string, Transport, string | undefined]>([
    [
      'a code',
      () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
      'ENOTFOUND',
    ],
    ['a reason', answering(500), 'service_error'],
    ['a reason', () => new Promise(() => undefined), 'timeout'],
    ['nothing', answering(401), undefined],
    ['nothing', answering(200), undefined],
  ])('says why there is no answer, with %s', async (_, fetch, cause) => {
    const ask = createRandomKeyAsker({ endpoint, retry: false, fetch, timeoutMs: 5 })
    expect((await ask()).cause).toBe(cause)
  })

  it('is asked about anew each time, in the words of the contract', async () => {
    const fetch = vi.fn<Transport>(answering(401))
    const ask = asker(fetch, { context: { headers: [] }, cache: {} })
    await ask()
    await ask()
    const bodies = fetch.mock.calls.map(([, { body }]) => JSON.parse(body) as { api_key: string })
    expect(bodies[0]?.api_key).toMatch(/^random_/)
    expect(bodies[1]?.api_key).not.toBe(bodies[0]?.api_key)
    expect(bodies[0]).toMatchObject({ request: { path: '/with-auth/random-key' } })
  })

  it.each<[string, AuthConfig]>([
    ['everything is public', { public: ['/with-auth/random-key'] }],
    ['the mode is shadow', { mode: 'shadow' }],
    ['keys come in another header', { credentials: { header: 'x-api-key' } }],
  ])('is asked about although %s', async (_, config) => {
    expect(await asker(answering(200), config)()).toBe('let_in')
    expect(await asker(answering(401), config)()).toBe('refused')
  })

  it('is refused by a 200 that names nobody where a name is required', async () => {
    const page = answering(200, '<!doctype html>')
    expect(await asker(page)()).toBe('let_in')
    expect(await asker(page, { identity: 'required' })()).toBe('refused')
    const named = answering(200, '{"principal":"alice"}')
    expect(await asker(named, { identity: 'required' })()).toBe('let_in')
  })

  it('is no event of the guard', async () => {
    const onEvent = vi.fn()
    await asker(answering(401), { onEvent })()
    expect(onEvent).not.toHaveBeenCalled()
  })
})
