import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { routePolicy } from '../../src/access.ts'
import { createEndpointProof, createRandomKeyAsker } from '../../src/cli/proof.ts'
import { AuthUnavailableError, memoryCache } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { protectedResource } from '../../src/mcp.ts'
import {
  defineVerifier,
  firstOf,
  fromUpstream,
  githubToken,
  introspection,
} from '../../src/verifiers.ts'
import { createRandomKey } from '../../src/verifiers/random-key.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { startService } from '../support/verifier-service.ts'
import type { ProofState } from '../../src/cli/proof.ts'
import type { AuthConfig, Transport, Verifier } from '../../src/index.ts'
import type { UpstreamProof } from '../../src/verifiers.ts'

describe('the proof that an endpoint denies a random key', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  function create(...states: ProofState[]) {
    const told: string[] = []
    const ask = vi.fn(async () => {
      const state = states.shift() ?? 'unproven'
      return { state, ...(state === 'unproven' ? { cause: 'ECONNREFUSED' } : {}) }
    })
    const onChange = (state: string, cause?: string): void => void told.push(`${state} ${cause}`)
    return { proof: createEndpointProof({ ask, onChange }), ask, told }
  }

  it.each([
    [undefined, 'proven', 'proven'],
    [undefined, 'open', 'open'],
    [undefined, 'unproven', 'unproven'],
    ['proven', 'unproven', 'proven'],
    ['proven', 'open', 'open'],
    ['open', 'unproven', 'open'],
    ['open', 'proven', 'proven'],
  ] as const)('changes from %s with an answer of %s to %s', async (known, answer, state) => {
    const onChange = vi.fn()
    const proof = createEndpointProof({
      ask: async () => ({ state: answer }),
      onChange,
      state: known,
    })
    expect(proof.state()).toBe(known ?? 'unproven')
    expect(await proof.start()).toBe(state)
    expect(proof.state()).toBe(state)
    expect(onChange).toHaveBeenCalledTimes(state === known ? 0 : 1)
    proof.stop()
  })

  it.each<[answers: ProofState[], afterMs: number[], told: string[], cause?: string]>([
    // It ends if the endpoint allows a random key later.
    [['proven', 'open', 'unproven'], [600_000, 2000], ['proven undefined', 'open open'], 'open'],
    [['open', 'proven'], [2000], ['open open', 'proven undefined']],
    // It survives an outage, and is asked for soon after a failed start.
    [
      ['unproven', 'unproven', 'proven', 'unproven'],
      [2000, 2000, 600_000],
      ['unproven ECONNREFUSED', 'proven undefined'],
    ],
  ])(
    'is asked for with answers of %j after %j ms, and tells %j',
    async (answers, afterMs, all, cause) => {
      const { proof, ask, told } = create(...answers)
      await proof.start()
      for (const [index, ms] of afterMs.entries()) {
        await vi.advanceTimersByTimeAsync(ms - 1)
        expect(ask).toHaveBeenCalledTimes(index + 1)
        await vi.advanceTimersByTimeAsync(1)
        expect(ask).toHaveBeenCalledTimes(index + 2)
      }
      expect(told).toEqual(all)
      expect(proof.cause()).toBe(cause)
      proof.stop()
    },
  )

  it('stops without leaving a timer', async () => {
    const { proof, ask } = create('proven')
    await proof.start()
    proof.stop()
    expect(vi.getTimerCount()).toBe(0)
    const late = create('proven')
    const started = late.proof.start()
    late.proof.stop()
    await started
    expect(vi.getTimerCount()).toBe(0)
    expect(ask).toHaveBeenCalledTimes(1)
  })
})

const endpoint = 'https://auth.example.com/validate'
const RESOURCE = {
  identifier: 'https://api.example.com/',
  authorizationServers: ['https://login.example.com'],
  require: ['a'],
}

function asker(fetch: Transport, config: AuthConfig = {}) {
  const ask = createRandomKeyAsker({ endpoint, retry: false, fetch, ...config })
  return async () => (await ask()).state
}

const failure = Object.assign(new Error(), { code: 'ENOTFOUND' })

function answering(status: number, body?: string): Transport {
  return async () => new Response(body ?? null, { status })
}

function rowOf(
  status: number,
  state: ProofState,
  cause?: string,
): [string, ProofState, string | undefined, Transport] {
  return [`an answer of ${status}`, state, cause, answering(status)]
}

describe('a random key', () => {
  it('has 256 random bits', () => {
    expect(createRandomKey()).toMatch(/^random_[\da-f]{64}$/)
    expect(createRandomKey()).not.toBe(createRandomKey())
  })

  it.each<[string, ProofState, string | undefined, Transport]>([
    ...[401, 403, 404, 302, 204].map((status) => rowOf(status, 'proven')),
    rowOf(200, 'open'),
    rowOf(429, 'unproven', 'rate_limited'),
    rowOf(500, 'unproven', 'service_error'),
    rowOf(503, 'unproven', 'service_error'),
    ['an error with a code', 'unproven', 'ENOTFOUND', () => Promise.reject(failure)],
    ['nothing', 'unproven', 'timeout', () => new Promise(() => undefined)],
  ])('counts %s as %s, with the cause %s', async (_, state, cause, fetch) => {
    const timeoutMs = cause === 'timeout' ? 5 : 5000
    const ask = createRandomKeyAsker({ endpoint, retry: false, fetch, timeoutMs })
    const result = await ask()
    expect([result.state, result.cause]).toEqual([state, cause])
  })

  it.each<[string, UpstreamProof]>([
    ['a secret', { header: 'x-proxy-secret', secret: '0123456789abcdef' }],
    ['a signature', { signature: 'x-auth-signature', secret: '0123456789abcdef' }],
    ['an address', { addresses: ['127.0.0.0/8', '10.0.0.0/8'] }],
  ])('is rejected without the proof of a proxy: %s', async (_, proof) => {
    const config = fromUpstream({ principalHeader: 'x-user', proof })
    const context = { clientAddress: () => '127.0.0.1' }
    expect(await createRandomKeyAsker({ ...config, context })()).toEqual({ state: 'proven' })
    expect(await createRandomKeyAsker(config)()).toEqual({ state: 'proven' })
  })

  it('is in the header that a verifier reads itself, and comes from an address that no client has', async () => {
    const stateBehind = async (range: string): Promise<ProofState> => {
      const config = fromUpstream({ principalHeader: 'x-user', proof: { addresses: [range] } })
      const context = { clientAddress: () => '127.0.0.1' }
      return (await createRandomKeyAsker({ ...config, context })()).state
    }
    expect([await stateBehind('127.0.0.1'), await stateBehind('192.0.2.0/24')]).toEqual([
      'proven',
      'open',
    ])
  })

  it('is asked about by each of several verifiers, but for those that trust their network', async () => {
    const proof = { network: true } as const
    const { verifier: trusting, ...config } = fromUpstream({ principalHeader: 'x-user', proof })
    const stateOf = async (...members: Verifier[]): Promise<ProofState> => {
      const verifier = firstOf([firstOf(members, { fallThrough: true })])
      return (await createRandomKeyAsker({ ...config, verifier })()).state
    }
    const closed: Verifier = () => ({ outcome: 'deny' })
    const open: Verifier = () => ({ outcome: 'allow' })
    const down: Verifier = () => {
      throw new AuthUnavailableError('service_error')
    }
    const ofOthers = defineVerifier({ ask: () => ({ outcome: 'allow' }), accepts: () => false })
    expect(await stateOf(closed, trusting)).toBe('proven')
    expect(await stateOf(trusting)).toBe('proven')
    expect(await stateOf(trusting, open)).toBe('open')
    expect(await stateOf(open, down)).toBe('open')
    expect(await stateOf(down, closed)).toBe('unproven')
    expect(await stateOf(closed, ofOthers)).toBe('open')
  })

  it('waits for no service of a verifier that tells by its form that it is none of its tokens', async () => {
    const fetch = vi.fn<Transport>(() => Promise.reject(new TypeError('down')))
    const verifier = firstOf([
      githubToken({ allow: { clientId: 'app', clientSecret: 'secret' }, fetch }),
      jwt({ issuer: 'https://login.example.com', audience: 'api', fetch }),
    ])
    expect(await createRandomKeyAsker({ verifier })()).toEqual({ state: 'proven' })
    expect(fetch).not.toHaveBeenCalled()
    const opaque = introspection({ url: 'https://a.example.com/', client: 'none', fetch })
    const all = createRandomKeyAsker({ verifier: firstOf([verifier, opaque]) })
    expect(await all()).toEqual({ state: 'unproven', cause: 'unreachable' })
  })

  it('is none of the first ten answers of an introspection endpoint, which warn if all are inactive', async () => {
    const { url } = await startService(() => ({ json: { active: false } }))
    const verifier = introspection({ url, client: 'none' })
    const onEvent = vi.fn<NonNullable<AuthConfig['onEvent']>>()
    const ask = createRandomKeyAsker({ verifier, onEvent })
    const guard = guardWith(verifier)
    for (let count = 0; count < 9; count += 1) {
      expect(await ask()).toEqual({ state: 'proven' })
      await guard.ask(`token-${count}`)
    }
    for (let count = 0; count < 9; count += 1) await ask()
    expect(onEvent).not.toHaveBeenCalled()
    expect(guard.warnings()).toEqual([])
    await guard.ask('token-9')
    expect(guard.warnings()).toEqual([expect.stringMatching(/^The first 10 answers /)])
  })

  it('asks about a new key each time, in the words of the contract', async () => {
    const fetch = vi.fn<Transport>(answering(401))
    const ask = asker(fetch, { context: { headers: [] }, cache: memoryCache() })
    await ask()
    await ask()
    const bodies = fetch.mock.calls.map(
      ([, { body }]) => JSON.parse(body ?? '') as { api_key: string },
    )
    expect(bodies[0]?.api_key).toMatch(/^random_/)
    expect(bodies[1]?.api_key).not.toBe(bodies[0]?.api_key)
    const told = { path: '/with-auth/random-key', headers: {}, params: {} }
    expect(bodies[0]).toEqual({ api_key: bodies[0]?.api_key, request: told })
  })

  it.each<[string, AuthConfig]>([
    ['everything is public', { public: ['/with-auth/random-key'] }],
    ['the mode is shadow', { mode: 'shadow' }],
    ['keys come in another header', { credentials: { header: 'x-api-key' } }],
    // The path of the question may be one that callers may not have.
    ['a policy forbids its path', { routePolicy: routePolicy([{ forbid: { paths: '*' } }]) }],
    ['nobody is authorized', { authorize: () => false }],
    ['a resource requires a scope', { resource: protectedResource(RESOURCE) }],
  ])('asks although %s', async (_, config) => {
    expect(await asker(answering(200), config)()).toBe('open')
    expect(await asker(answering(401), config)()).toBe('proven')
  })

  it('is denied by a 200 without a principal if identity is required', async () => {
    const page = answering(200, '<!doctype html>')
    expect(await asker(page)()).toBe('open')
    expect(await asker(page, { identity: 'required' })()).toBe('proven')
    const named = answering(200, '{"principal":"alice"}')
    expect(await asker(named, { identity: 'required' })()).toBe('open')
  })

  it.each([401, 404])('emits no event for an answer of %i', async (status) => {
    const onEvent = vi.fn()
    await asker(answering(status), { onEvent })()
    expect(onEvent).not.toHaveBeenCalled()
  })
})
