import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createGate } from '../../src/core/gate.ts'
import { defineVerifier, endpointVerifier } from '../../src/verifiers.ts'
import { memoryCache } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
import { runs } from '../support/nightly.ts'
import { get } from '../support/requests.ts'
import type { Gate } from '../../src/core/gate.ts'
import type {
  AuthConfig,
  AuthEvent,
  ContextConfig,
  DecisionCache,
  Transport,
} from '../../src/index.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

/** Several guards have one cache. Guards of equal meaning share decisions. */

const allow = async (): Promise<Response> => Response.json({ principal: 'alice' })
const asked = vi.fn<Transport>(allow)

function configOf(cache: DecisionCache): AuthConfig & { readonly cache: DecisionCache } {
  return {
    endpoint: 'https://auth.example.test/a',
    endpointHeaders: { 'x-secret': 'one' },
    context: { headers: ['x-tenant'] },
    cache,
    fetch: asked,
  }
}

/** Asks a gate about a token, and says how often the endpoint was asked for that. */
async function callsFor(gate: Gate, token = 't'): Promise<number> {
  const before = asked.mock.calls.length
  expect((await gate.decide(get('/', token), [])).admitted).toBe(true)
  return asked.mock.calls.length - before
}

async function askedConfig(options = {}): Promise<ReturnType<typeof configOf>> {
  asked.mockReset().mockImplementation(allow)
  const config = configOf(memoryCache({ allowTtlMs: 60_000, ...options }))
  expect(await callsFor(createGate(config))).toBe(1)
  return config
}

interface Values<Value> {
  /** With these a decision has the same meaning. */
  readonly same?: readonly Value[]
  /** With each of these it has another one. */
  readonly other?: readonly Value[]
}

const CONTEXT: Required<ContextConfig> = {
  headers: ['x-tenant', 'x-more'],
  params: 'lists',
  path: false,
  method: true,
  clientAddress: () => '192.0.2.1',
}

/** Of every option: one that is missing does not compile. A verifier and a cache have tests of their own. */
const VALUES: {
  readonly [Name in Exclude<keyof AuthConfig, 'cache' | 'verifier'>]-?: Values<AuthConfig[Name]>
} = {
  endpoint: { other: ['https://auth.example.test/b', 'https://auth.example.test/a?b'] },
  allowInsecureHttp: { same: [true] },
  endpointHeaders: { other: [{ 'x-secret': 'two' }, {}, { 'x-other': 'one' }] },
  context: {
    other: Object.entries(CONTEXT).map(([name, value]) => ({
      headers: ['x-tenant'],
      [name]: value as unknown,
    })),
  },
  credentials: { same: [['bearer', { cookie: 'session' }]] },
  identity: { same: ['optional'], other: ['required'] },
  authorize: { same: [() => true] },
  routePolicy: { same: [() => true] },
  scopeImplies: { same: [() => true] },
  resource: {
    same: [
      protectedResource({
        identifier: 'https://api.example.com/mcp',
        authorizationServers: ['https://login.example.com'],
      }),
    ],
  },
  timeoutMs: { same: [900] },
  retry: { same: [false] },
  circuitBreaker: { same: [false] },
  concurrency: { same: [{ maxInFlight: 2 }] },
  unavailableStatus: { same: [503] },
  public: { same: [['/health']] },
  preflight: { same: ['allow'] },
  mode: { same: ['shadow'] },
  realm: { same: ['models'] },
  requestIdHeader: { same: ['x-request-id'] },
  onEvent: { same: [() => undefined] },
  respond: { same: [() => new Response()] },
  fetch: { other: [(url, init) => asked(url, init)] },
}

const CHANGES = Object.entries<Values<unknown>>(VALUES).flatMap(
  ([name, { same = [], other = [] }]) =>
    [...same, ...other].map((value, index) => ({ name, value, isOther: index >= same.length })),
)

/** Of changes: what they make of a decision. */
function meaningOf(changes: readonly (typeof CHANGES)[number][]): string {
  const numbers = CHANGES.flatMap((one, index) =>
    one.isOther && changes.includes(one) ? [index] : [],
  )
  return numbers.join()
}

describe('two guards with one cache', () => {
  it('share a decision exactly if no option differs that gives it its meaning', async () => {
    const pick = fc.uniqueArray(fc.constantFrom(...CHANGES), { selector: ({ name }) => name })
    await fc.assert(
      fc.asyncProperty(pick, pick, async (...picked) => {
        const config = await askedConfig()
        const [first, second] = picked.map((changes) => {
          const changed = changes.map(({ name, value }) => [name, value] as const)
          return createGate({ ...config, ...Object.fromEntries(changed) })
        })
        if (first === undefined || second === undefined) return
        await callsFor(first)
        const [one, other] = picked.map(meaningOf)
        expect(await callsFor(second)).toBe(other === one || other === '' ? 0 : 1)
      }),
      { numRuns: runs(2000) },
    )
  })

  it.each(CHANGES)('differ in nothing but $name: $value', async ({ name, value, isOther }) => {
    const config = await askedConfig()
    const changed = Object.fromEntries([[name, value]])
    expect(await callsFor(createGate({ ...config, ...changed }))).toBe(isOther ? 1 : 0)
  })

  it('share none of a verifier that takes names, with a guard that takes only tokens', async () => {
    const ask = vi.fn(() => ({ outcome: 'allow' }) as const)
    const traits = { id: 'names', reads: { headers: ['x-user'] }, consumes: ['x-user'] }
    const verifier = defineVerifier({ ask, ...traits, namesCaller: true })
    const cache = memoryCache()
    const header = { header: 'x-user' }
    const request = (): Request => get('/', undefined, { 'x-user': 'Alice Smith' })
    const named = createGate({ verifier, cache, credentials: header })
    expect(await named.decide(request(), [])).toMatchObject({ admitted: true })
    const mixed = createGate({ verifier, cache, credentials: ['bearer', header] })
    expect(await mixed.decide(request(), [])).toMatchObject({ reason: 'malformed_credentials' })
  })

  it('share the decisions of verifiers whose options are equal, and of no others', async () => {
    asked.mockReset().mockImplementation(allow)
    const cache = memoryCache()
    const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(allow)
    const ask = async (url: string): Promise<number> => {
      fetch.mockClear()
      const verifier = endpointVerifier({ endpoint: url, context: { headers: [] } })
      await createGate({ verifier, cache }).decide(get('/', 't'), [])
      return fetch.mock.calls.length
    }
    const urls = ['https://auth.example.test/a', 'https://auth.example.test/b']
    expect([await ask(urls[0] ?? ''), await ask(urls[0] ?? ''), await ask(urls[1] ?? '')]).toEqual([
      1, 0, 1,
    ])
  })

  it('join no call of each other, and outdate it', async () => {
    asked.mockReset()
    const answers: ((response: Response) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => void answers.push(resolve)))
    const config = configOf(memoryCache())
    const [one, other] = [createGate(config), createGate({ ...config, realm: 'other' })]
    const early = one.decide(get('/', 't'), [])
    const late = other.decide(get('/', 't'), [])
    expect(answers).toHaveLength(2)
    // The endpoint denies at the second guard. An answer that the first guard got before that is not cached.
    answers[1]?.(new Response(null, { status: 401 }))
    expect(await late).toMatchObject({ admitted: false })
    answers[0]?.(await allow())
    await early
    const again = one.decide(get('/', 't'), [])
    expect(again).toBeInstanceOf(Promise)
    answers[2]?.(new Response(null, { status: 401 }))
    expect(await again).toMatchObject({ reason: 'denied' })
  })

  it('a follower takes no allow that the denial of another guard has outdated', async () => {
    asked.mockReset()
    const answers: ((response: Response) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => void answers.push(resolve)))
    const config = configOf(memoryCache())
    const [one, other] = [createGate(config), createGate({ ...config, realm: 'other' })]
    const first = one.decide(get('/', 't'), [])
    const denied = other.decide(get('/', 't'), [])
    const follower = one.decide(get('/', 't'), [])
    answers[1]?.(new Response(null, { status: 401 }))
    await denied
    answers[0]?.(await allow())
    expect(await first).toMatchObject({ admitted: true })
    await expect.poll(() => answers).toHaveLength(3)
    answers[2]?.(new Response(null, { status: 401 }))
    expect(await follower).toMatchObject({ admitted: false })
  })
})

it.each(['invalidate', 'clear'] as const)('%s reaches every guard of a cache', async (name) => {
  const config = await askedConfig()
  const guards = [config, { ...config, identity: 'required' as const }].map((one) =>
    createGate(one),
  )
  for (const guard of guards) await callsFor(guard)
  await config.cache[name]('t')
  for (const guard of guards) expect(await callsFor(guard)).toBe(1)
})

it('a gate forgets what others cached for it before its first request', async () => {
  const config = await askedConfig()
  const gate = createGate(config)
  gate.forget()
  expect(await callsFor(gate)).toBe(1)
})

it('a decision that arrives after another guard took over is cached, unless it was invalidated', async () => {
  for (const [isForgotten, calls] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const config = await askedConfig()
    let answer: () => void = () => undefined
    asked.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => void (answer = resolve))
      return allow()
    })
    const pending = callsFor(createGate(config), 'late')
    const next = createGate({ ...config, realm: 'models' })
    if (isForgotten) await config.cache.invalidate('late')
    answer()
    await pending
    expect(await callsFor(next, 'late')).toBe(calls)
  }
})

it('an expired decision of another guard stands in for an outage that this one sees', async () => {
  const config = await askedConfig({ allowTtlMs: 5, staleIfErrorMs: 60_000 })
  const onEvent = vi.fn<(event: AuthEvent) => void>()
  const next = createGate({ ...config, retry: false, onEvent })
  pass(20)
  asked.mockImplementation(async () => {
    throw new TypeError('fetch failed')
  })
  expect(await callsFor(next)).toBe(1)
  expect(onEvent).toHaveBeenCalledWith(expect.objectContaining({ cache: 'stale' }))
})

describe('more than 1,024 guards that decide in different ways', () => {
  const guardOf = (config: AuthConfig, index: number): Gate =>
    createGate({ ...config, endpoint: `https://auth.example.test/${index}` })

  it('keep the decisions of those that were used lately', async () => {
    const config = await askedConfig()
    const guards = Array.from({ length: 1024 }, (_, index) => guardOf(config, index))
    for (const guard of guards) await callsFor(guard)
    // The last one has closed the part of the first of all, and none was used since.
    const used = guards.slice(0, -100)
    for (const guard of used) expect(await callsFor(guard)).toBe(0)
    const more = Array.from({ length: 50 }, (_, index) => guardOf(config, 2000 + index))
    for (const guard of more) expect(await callsFor(guard)).toBe(1)
    for (const guard of [...used, ...more]) expect(await callsFor(guard)).toBe(0)
  })

  it('lose no decision to guards that get no token', async () => {
    const config = await askedConfig()
    const first = guardOf(config, 0)
    await callsFor(first)
    for (let index = 1; index <= 1024; index += 1) {
      await guardOf(config, index).decide(new Request('https://api.example.test/'), [])
    }
    expect(await callsFor(first)).toBe(0)
  })

  it('open a new part of the cache, in which nothing of before is left', async () => {
    const config = await askedConfig()
    const first = guardOf(config, 0)
    await callsFor(first)
    // Two more than there is room for, since the first of all has a part too.
    const others = Array.from({ length: 1024 }, (_, index) => guardOf(config, 1 + index))
    for (const other of others) await callsFor(other)
    expect(await callsFor(first)).toBe(1)
    expect(await callsFor(first)).toBe(0)
    await config.cache.invalidate('t')
    expect(await callsFor(first)).toBe(1)
  })
})
