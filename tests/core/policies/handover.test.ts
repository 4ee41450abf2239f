import { expect, it, vi } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createGate } from '../../../src/core/gate.ts'
import { asksTheSame } from '../../../src/core/policies/handover.ts'
import { get } from '../../support/requests.ts'
import type { Gate } from '../../../src/core/gate.ts'
import type { AuthConfig, AuthEvent, Transport } from '../../../src/index.ts'

const allow = async (): Promise<Response> => Response.json({ principal: 'alice' })
const asked = vi.fn<Transport>(allow)
const CONFIG: AuthConfig = {
  endpoint: 'https://auth.example.test/a',
  endpointHeaders: { 'x-secret': 'one' },
  context: { headers: ['x-tenant'] },
  cache: { allowTtlMs: 60_000 },
  fetch: asked,
}

/** Asks a gate about a token, and says how often the endpoint was asked for that. */
async function callsFor(gate: Gate, admitted = true): Promise<number> {
  const before = asked.mock.calls.length
  expect((await gate.decide(get('/', 't'), [])).admitted).toBe(admitted)
  return asked.mock.calls.length - before
}

async function askedGate(config: AuthConfig = CONFIG): Promise<Gate> {
  asked.mockImplementation(allow)
  const gate = createGate(config)
  expect(await callsFor(gate)).toBe(1)
  return gate
}

it.each<AuthConfig>([
  {},
  { timeoutMs: 900 },
  { retry: false },
  { circuitBreaker: false },
  { concurrency: { maxInFlight: 2 } },
  { credentials: ['bearer', { cookie: 'session' }] },
  { public: ['/health'] },
  { preflight: 'allow' },
  { realm: 'models' },
  { unavailableStatus: 503 },
  { requestIdHeader: 'x-request-id' },
  { onEvent: () => undefined },
])('cached decisions stay when %j is changed', async (change) => {
  const gate = await askedGate()
  const next = createGate({ ...CONFIG, ...change }, gate.handOver())
  expect(await callsFor(next)).toBe(0)
})

it.each<AuthConfig>([
  { endpoint: 'https://auth.example.test/b' },
  { endpointHeaders: { 'x-secret': 'two' } },
  { endpointHeaders: {} },
  { context: { headers: ['x-tenant', 'x-more'] } },
  { context: { headers: ['x-tenant'], path: false } },
  { identity: 'required' },
  { cache: { allowTtlMs: 59_000 } },
  { cache: { allowTtlMs: 60_000, staleIfErrorMs: 1 } },
  { fetch: (url, init) => asked(url, init) },
  { tokenFormat: 'visible-ascii' },
])('cached decisions are dropped when %j is changed', async (change) => {
  const gate = await askedGate()
  const next = createGate({ ...CONFIG, ...change }, gate.handOver())
  expect(await callsFor(next)).toBe(1)
})

it('a token that the next config finds malformed is not let in by an allow of the last one', async () => {
  asked.mockImplementation(allow)
  const request = (): Request => get('/', 'not:token68')
  const gate = createGate({ ...CONFIG, tokenFormat: 'visible-ascii' })
  expect(await gate.decide(request(), [])).toMatchObject({ admitted: true })
  const next = createGate(CONFIG, gate.handOver())
  expect(await next.decide(request(), [])).toMatchObject({ reason: 'malformed_credentials' })
})

it('a config with a fetch of its own asks another question than one without', () => {
  const { fetch, ...without } = CONFIG
  const [own, runtimes] = [resolveConfig(CONFIG), resolveConfig(without)]
  expect(fetch).toBe(asked)
  expect([asksTheSame(own, runtimes), asksTheSame(runtimes, own)]).toEqual([false, false])
  expect(asksTheSame(own, resolveConfig(CONFIG))).toBe(true)
})

it('cached decisions are dropped when the cache is turned off, and do not come back', async () => {
  const gate = await askedGate()
  const off = createGate({ ...CONFIG, cache: false }, gate.handOver())
  expect([await callsFor(off), await callsFor(off)]).toEqual([1, 1])
  expect(await callsFor(createGate(CONFIG, off.handOver()))).toBe(1)
})

it('cached decisions are handed on by a gate that was never asked', async () => {
  const gate = await askedGate()
  const between = createGate({ ...CONFIG, realm: 'models' }, gate.handOver())
  expect(await callsFor(createGate(CONFIG, between.handOver()))).toBe(0)
})

it('cached decisions are not handed on by a gate that was told to forget them', async () => {
  const gate = await askedGate()
  const between = createGate(CONFIG, gate.handOver())
  void between.controls.clear()
  expect(await callsFor(createGate(CONFIG, between.handOver()))).toBe(1)
})

it('a config function takes nothing over, and hands over what it learned', async () => {
  const gate = await askedGate()
  const made = createGate(() => CONFIG, gate.handOver())
  expect(made.handOver()).toBeUndefined()
  expect(await callsFor(made)).toBe(1)
  expect(await callsFor(createGate(CONFIG, made.handOver()))).toBe(0)
})

it('a decision that arrives after the handover is cached, unless its token was invalidated', async () => {
  for (const [isForgotten, calls] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const gate = createGate(CONFIG)
    let answer: () => void = () => undefined
    asked.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => void (answer = resolve))
      return allow()
    })
    asked.mockClear()
    const pending = callsFor(gate)
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce())
    const next = createGate({ ...CONFIG, realm: 'models' }, gate.handOver())
    // Its first request makes it ready, with what was handed over.
    await next.decide(get('/'), [])
    if (isForgotten) void next.controls.invalidate('t')
    answer()
    await pending
    expect(await callsFor(next)).toBe(calls)
  }
})

it('an expired decision that was handed over stands in for an outage that the new gate sees', async () => {
  const stale = {
    ...CONFIG,
    retry: false,
    cache: { allowTtlMs: 5, staleIfErrorMs: 60_000 },
  } as const
  const gate = await askedGate(stale)
  const onEvent = vi.fn<(event: AuthEvent) => void>()
  const next = createGate(
    { ...stale, circuitBreaker: { windowMs: 1000 }, onEvent },
    gate.handOver(),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  asked.mockImplementation(async () => {
    throw new TypeError('fetch failed')
  })
  expect(await callsFor(next)).toBe(1)
  expect(onEvent).toHaveBeenCalledWith(expect.objectContaining({ cache: 'stale' }))
})
