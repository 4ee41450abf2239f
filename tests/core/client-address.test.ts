import { expect, it, vi } from 'vitest'
import { NO_ADDRESS } from '../../src/core/config/options.ts'
import { createGate } from '../../src/core/gate.ts'
import { createAuthenticator, memoryCache, withAuth } from '../../src/index.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { get } from '../support/requests.ts'
import type { AuthConfig, Question, ReadsConfig, Transport, Verdict } from '../../src/index.ts'

const endpoint = 'https://auth.example.test/validate'
const FORM = 'context: { clientAddress: (request, ...args) => address }'

/** A verifier that allows every token, and the addresses that it was told. */
function recorder(reads?: ReadsConfig) {
  const told: (string | undefined)[] = []
  const verify = ({ request }: Question): Verdict => {
    told.push(request.clientAddress)
    return { outcome: 'allow' }
  }
  return { told, verifier: defineVerifier({ ask: verify, reads }) }
}

/** An endpoint that allows every token, and the requests that it was told. */
function service() {
  const asked: unknown[] = []
  const fetch = async (_url: string, { body }: { body?: string }): Promise<Response> => {
    asked.push((JSON.parse(String(body)) as { request: unknown }).request)
    return new Response()
  }
  return { asked, config: { endpoint, fetch } }
}

it('is told, and separates decisions', async () => {
  const { told, verifier } = recorder({ clientAddress: true })
  interface Server {
    readonly address?: string
  }
  const guarded = withAuth((_request: Request, _server: Server) => new Response(), {
    verifier,
    context: { clientAddress: (_request: Request, server: Server) => server.address },
    cache: memoryCache(),
  })
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.1']) {
    await guarded(get('/', 'k1'), { address })
  }
  await guarded(get('/', 'k1'), {})
  expect(told).toEqual(['10.0.0.1', '10.0.0.2', undefined])
})

it('reaches an endpoint as `client_address`', async () => {
  const { asked, config } = service()
  const context = { headers: [], params: 'none', clientAddress: () => '192.0.2.1' } as const
  await withAuth(() => new Response(), { ...config, context })(get('/a', 'k1'))
  expect(asked).toEqual([{ path: '/a', headers: {}, params: {}, client_address: '192.0.2.1' }])
})

it('rejects the request if it is a number', async () => {
  const { verifier } = recorder({ clientAddress: true })
  const context = { clientAddress: () => 7 as never }
  expect(await guardWith(verifier, { context }).ask()).toMatchObject({
    reason: 'internal_error',
    cause: 'TypeError: "context.clientAddress" returned no text',
  })
})

it('is told to a verifier only if it reads it, or does not say what it reads', async () => {
  const [path, address, all] = [{ path: true }, { clientAddress: true }, undefined].map(recorder)
  const clientAddress = vi.fn(() => '192.0.2.1')
  for (const one of [path, address, all]) {
    if (one !== undefined) await guardWith(one.verifier, { context: { clientAddress } }).ask()
  }
  expect([path?.told, address?.told, all?.told]).toEqual([
    [undefined],
    ['192.0.2.1'],
    ['192.0.2.1'],
  ])
  expect(clientAddress).toHaveBeenCalledTimes(2)
})

it('cannot be read without the function', () => {
  const { verifier } = recorder({ clientAddress: true })
  expect(() => createAuthenticator({ verifier })).toThrow(
    `"context.clientAddress" must be given, since the verifier reads it: ${FORM}`,
  )
})

it('of a server that knows it is told only to a verifier that reads it, unless the config has a function', async () => {
  const { asked, config } = service()
  const reading = recorder({ clientAddress: true })
  const silent = recorder()
  const context = { clientAddress: () => '198.51.100.1' }
  const ask = async (made: AuthConfig): Promise<void> => {
    await createGate(made, () => '192.0.2.1').decide(get('/a', 'k1'), [])
  }
  await ask(config)
  await ask({ ...config, context })
  expect(asked[0]).not.toHaveProperty('client_address')
  expect(asked[1]).toMatchObject({ client_address: '198.51.100.1' })
  await ask({ verifier: reading.verifier })
  await ask({ verifier: reading.verifier, context })
  expect(reading.told).toEqual(['192.0.2.1', '198.51.100.1'])
  await ask({ verifier: silent.verifier })
  expect(silent.told).toEqual([undefined])
})

it('of a server that knows it is read for an unknown token that has to wait, and not told', async () => {
  const { asked, config } = service()
  const fetch: Transport = async (...call) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return config.fetch(...call)
  }
  const known = vi.fn(() => '192.0.2.1')
  const { decide } = createGate({ endpoint, fetch, concurrency: { maxInFlight: 1 } }, known)
  const decisions = ['k1', 'k2'].map(async (token) => decide(get('/a', token), []))
  expect(known).toHaveBeenCalledTimes(1)
  expect(await Promise.all(decisions)).toMatchObject([{ admitted: true }, { admitted: true }])
  expect(JSON.stringify(asked)).not.toContain('192.0.2.1')
})

it('need not be known for an unknown token that has to wait', async () => {
  const { config } = service()
  const { decide } = createGate({ ...config, concurrency: { maxInFlight: 1 } })
  const decisions = ['k1', 'k2'].map(async (token) => decide(get('/a', token), []))
  expect(await Promise.all(decisions)).toMatchObject([{ admitted: true }, { admitted: true }])
})

it('is nothing without the function', () => {
  expect(NO_ADDRESS(get('/'))).toBeUndefined()
})
