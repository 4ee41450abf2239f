import { expect, it, vi } from 'vitest'
import { slotName, slotOf, createNames, tokenIdOf } from '../../src/redis/names.ts'
import { createSealer } from '../../src/redis/seal.ts'
import { createSharedDecisions } from '../../src/redis/shared.ts'
import { SECRET } from '../support/connected-guards.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import type { SharedDecisions } from '../../src/core/seams.ts'
import type { Link } from '../../src/redis/engine.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

/** Shared allows with an engine of the test's own, which is as slow, broken or empty as a test says. */

const QUESTION = { token: 'token-of-alice', told: '' }
const TIMEOUT_MS = 100
const PAUSE_MS = 1000
const names = createNames('with-auth:', 0)
const FENCE_OF_ALL = names.fence('all').key
const FENCE_OF_TOKEN = names.fence(slotName(slotOf(tokenIdOf(QUESTION.token)))).key

interface Scene {
  readonly clock: VirtualClock
  readonly values: Map<string, Uint8Array>
  readonly link: Link
  readonly warnings: readonly string[]
  readonly shared: SharedDecisions
}

function setScene(): Scene {
  const clock = createVirtualClock()
  const values = new Map<string, Uint8Array>()
  const warnings: string[] = []
  const link: Link = {
    ready: Promise.resolve('run-1'),
    read: vi.fn(async (keys: readonly string[]) => keys.map((key) => values.get(key))),
    setIfAbsent: vi.fn(async (key: string, value: Uint8Array) => void values.set(key, value)),
    set: vi.fn(async (key: string, value: Uint8Array) => void values.set(key, value)),
    announce: async () => undefined,
    close: () => undefined,
  }
  const shared = createSharedDecisions({
    names,
    sealers: [createSealer(SECRET)],
    scope: undefined,
    timeoutMs: TIMEOUT_MS,
    timing: {
      now: clock.now,
      wallNow: clock.wallNow,
      random: () => 0,
      schedule: (ms, run) => {
        const id = clock.after(ms, run)
        return () => clock.cancel(id)
      },
    },
    lease: { trusts: () => true },
    linkFor: () => ({ link, run: 'run-1' }),
    warn: (message) => void warnings.push(message),
  })
  return { clock, values, link, warnings, shared }
}

function allowUntil(ttlMs: number, askedAt: number) {
  return { auth: { principal: 'alice', attributes: {} }, askedAt, ttlMs }
}

async function failTimes(scene: Scene, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    vi.mocked(scene.link.read).mockRejectedValueOnce(new Error('broken'))
    expect(await scene.shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  }
  vi.mocked(scene.link.read).mockClear()
}

it('shares an allow for the rest of its time, and nothing once that is over', async () => {
  const { clock, link, shared } = setScene()
  const { share } = await shared.recall(QUESTION, TIMEOUT_MS)
  const askedAt = clock.wallNow()
  await clock.pass(400)
  share?.(allowUntil(400, askedAt))
  share?.(allowUntil(300, askedAt))
  expect(link.set).not.toHaveBeenCalled()
  share?.(allowUntil(401, askedAt))
  expect(link.set).toHaveBeenCalledExactlyOnceWith(expect.any(String), expect.anything(), 1)
  const { allow } = await shared.recall(QUESTION, TIMEOUT_MS)
  expect(allow).toMatchObject({ askedAt, ttlMs: 401, auth: { principal: 'alice' } })
})

it.each([
  ['both', [FENCE_OF_ALL, FENCE_OF_TOKEN]],
  ['that of all', [FENCE_OF_ALL]],
  ['that of the token', [FENCE_OF_TOKEN]],
])('writes the fences that are absent, and only them: %s', async (_which, absent) => {
  const { link, shared, values } = setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  for (const key of absent) values.delete(key)
  vi.mocked(link.setIfAbsent).mockClear()
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  expect(vi.mocked(link.setIfAbsent).mock.calls.map(([key]) => key)).toEqual(absent)
})

it('asks the engine once if both fences are there', async () => {
  const { link, shared } = setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  vi.mocked(link.read).mockClear()
  await shared.recall(QUESTION, TIMEOUT_MS)
  expect(link.read).toHaveBeenCalledOnce()
})

it.each([
  ['of all is too short', FENCE_OF_ALL, Buffer.alloc(11)],
  ['of the token is too long', FENCE_OF_TOKEN, Buffer.alloc(13)],
  ['of all goes at once', FENCE_OF_ALL, undefined],
  ['of the token goes at once', FENCE_OF_TOKEN, undefined],
])('warns, and shares nothing, if the fence %s', async (_what, key, value) => {
  const { link, shared, values, warnings } = setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  vi.mocked(link.setIfAbsent).mockResolvedValue()
  if (value === undefined) values.delete(key)
  else values.set(key, value)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(warnings).toEqual([expect.stringMatching(/wrong length/)])
})

it.each([
  ['its own timeout', TIMEOUT_MS, 500],
  ['the rest of the time of the check', 30, 30],
])('waits for a silent engine no longer than %s', async (_which, longestMs, withinMs) => {
  const { clock, link, shared } = setScene()
  vi.mocked(link.read).mockReturnValue(new Promise(() => undefined))
  const settled = vi.fn()
  void shared.recall(QUESTION, withinMs).then(settled)
  await clock.pass(longestMs - 1)
  expect(settled).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(settled).toHaveBeenCalledExactlyOnceWith({})
})

it('goes on asking after four failures in a row', async () => {
  const scene = setScene()
  await failTimes(scene, 4)
  expect(await scene.shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  // It begins to count again.
  await failTimes(scene, 4)
  expect(await scene.shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
})

it('leaves the engine alone for a second after five failures in a row', async () => {
  const scene = setScene()
  const { clock, link, shared } = scene
  await failTimes(scene, 5)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  await clock.pass(PAUSE_MS - 1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(link.read).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
})

it('lets one question try after that, and leaves the engine alone again if it fails', async () => {
  const scene = setScene()
  const { clock, link, shared } = scene
  await failTimes(scene, 5)
  await clock.pass(PAUSE_MS)
  vi.mocked(link.read).mockReturnValueOnce(new Promise(() => undefined))
  const first = shared.recall(QUESTION, TIMEOUT_MS)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(link.read).toHaveBeenCalledOnce()
  await clock.pass(TIMEOUT_MS)
  expect(await first).toEqual({})
  await clock.pass(PAUSE_MS - 1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(link.read).toHaveBeenCalledOnce()
})
