import { beforeEach, expect, it, vi } from 'vitest'
import { createGate } from '../../../../src/core/gate.ts'
import { Cache } from '../../../../src/core/policies/cache/cache.ts'
import { systemClock } from '../../../../src/core/runtime.ts'
import { checkOf } from '../../../support/checks.ts'
import { pause } from '../../../support/connected-guards.ts'
import { createMemoryStore } from '../../../support/memory-store.ts'
import { get } from '../../../support/requests.ts'
import type { ParsedVerdict } from '../../../../src/core/endpoint/verdict.ts'
import type { Gate } from '../../../../src/core/gate.ts'
import type { AuthConfig, CustomVerifier, DecisionStore, Verdict } from '../../../../src/index.ts'
import type { SharedMemory } from '../../../support/memory-store.ts'

/** Allows that instances share, and what must not be shared or taken. */

const TOKEN = 'token-of-alice'
const CACHE = { allowTtlMs: 60_000, denyTtlMs: 1, staleIfErrorMs: 0 }
const asked = vi.fn<CustomVerifier>()
let memory: SharedMemory = { allows: new Map(), revocations: 0 }
beforeEach(() => {
  memory = { allows: new Map(), revocations: 0 }
  asked.mockReset().mockReturnValue({ outcome: 'allow' })
})

function configOf(store: DecisionStore, more: AuthConfig = {}): AuthConfig {
  return { verifier: asked, context: { headers: [] }, cache: CACHE, store, ...more }
}

async function isAdmitted(gate: Gate): Promise<boolean> {
  const { admitted } = await gate.decide(get('/', TOKEN), [])
  return admitted
}

it('an instance takes the allow of another', async () => {
  expect(await isAdmitted(createGate(configOf(createMemoryStore(memory))))).toBe(true)
  expect(await isAdmitted(createGate(configOf(createMemoryStore(memory))))).toBe(true)
  expect(asked).toHaveBeenCalledOnce()
})

it('whoever forgets everything forgets what others shared, also before the first request', async () => {
  const store = createMemoryStore(memory)
  const gate = createGate(configOf(store))
  gate.forget()
  expect(store.forgotten()).toBe(1)
  await isAdmitted(gate)
  await gate.controls.invalidate(TOKEN)
  expect(store.forgotten()).toBe(1)
  gate.forget()
  expect(store.forgotten()).toBe(2)
})

it('an older allow of another instance stays refused after a handover', async () => {
  const store = createMemoryStore(memory)
  asked.mockReturnValue({ outcome: 'deny', maxAgeMs: 0 })
  const gate = createGate(configOf(store))
  expect(await isAdmitted(createGate(configOf(createMemoryStore(memory))))).toBe(false)
  expect(await isAdmitted(gate)).toBe(false)
  // The other instance was asked earlier, and its value comes late.
  asked.mockReturnValue({ outcome: 'allow' })
  expect(await isAdmitted(createGate(configOf(createMemoryStore(memory))))).toBe(true)
  expect(memory.allows.size).toBe(1)
  asked.mockReturnValue({ outcome: 'deny', maxAgeMs: 0 })
  const next = createGate(configOf(store, { timeoutMs: 900 }), gate.handOver())
  expect(await isAdmitted(next)).toBe(false)
})

it('an allow that was outdated while it was asked for is not shared', async () => {
  const store = createMemoryStore(memory)
  const gate = createGate(configOf(store))
  let answer: (verdict: Verdict) => void = () => undefined
  asked.mockReturnValue(new Promise((resolve) => (answer = resolve)))
  const pending = isAdmitted(gate)
  await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce())
  gate.forget()
  answer({ outcome: 'allow' })
  expect(await pending).toBe(true)
  expect(memory.allows.size).toBe(0)
  asked.mockReturnValue({ outcome: 'allow' })
  expect(await isAdmitted(gate)).toBe(true)
  expect(memory.allows.size).toBe(1)
})

it('an allow that is too large for the cache is shared', async () => {
  const attributes = { roles: Array.from({ length: 2000 }, (_, at) => `role-${at}`) }
  asked.mockReturnValue({ outcome: 'allow', attributes })
  const cache = { ...CACHE, maxBytes: 65_536 }
  await isAdmitted(createGate(configOf(createMemoryStore(memory), { cache })))
  expect(memory.allows.size).toBe(1)
})

it('a silent store leaves time for the endpoint', async () => {
  const silent = (withinMs: number) =>
    new Promise<object>((resolve) => void setTimeout(() => resolve({}), withinMs))
  asked.mockImplementation(async () => {
    await pause(50)
    return { outcome: 'allow' }
  })
  const gate = createGate(configOf(createMemoryStore(memory, silent), { timeoutMs: 400 }))
  expect(await isAdmitted(gate)).toBe(true)
})

it('a decision keeps the stamp of its own call when its check starts another one', async () => {
  const options = { ...CACHE, maxEntries: 10, maxBytes: 65_536 }
  const cache = new Cache(options, systemClock, createMemoryStore(memory))
  const answers: ((verdict: ParsedVerdict) => void)[] = []
  const fill = cache.fill(() => new Promise((resolve) => void answers.push(resolve)))
  const check = checkOf()
  const first = fill(check, Infinity)
  memory.revocations += 1
  void fill(check, Infinity)
  const share = vi.fn<() => void>()
  answers[0]?.({ outcome: 'allow', auth: { attributes: {} }, share })
  await first
  expect(share).not.toHaveBeenCalled()
  expect(cache.lookUp(check.token, check.told)).toBeUndefined()
})
