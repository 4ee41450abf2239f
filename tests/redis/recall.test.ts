import { expect, it, vi } from 'vitest'
import { Lease } from '../../src/redis/lease.ts'
import { slotName, slotOf, createNames, tokenIdOf } from '../../src/redis/names.ts'
import { createSealer } from '../../src/redis/seal.ts'
import { createSharedDecisions } from '../../src/redis/shared.ts'
import { SECRET } from '../support/connected-guards.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { FakeEngine, timingOf } from './fake-engine.ts'
import type { SharedDecisions } from '../../src/core/seams.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

/** Shared allows with an engine that is as slow, broken or empty as a test says. */

const QUESTION = { token: 'token-of-alice', told: '' }
const TIMEOUT_MS = 100
const PAUSE_MS = 1000
const names = createNames('with-auth:', 0)
const FENCE_OF_ALL = names.fence('all').key
const FENCE_OF_TOKEN = names.fence(slotName(slotOf(tokenIdOf(QUESTION.token)))).key

interface Scene {
  readonly clock: VirtualClock
  readonly engine: FakeEngine
  readonly warnings: readonly string[]
  readonly shared: SharedDecisions
}

async function setScene(): Promise<Scene> {
  const clock = createVirtualClock()
  const engine = new FakeEngine()
  const warnings: string[] = []
  const link = engine
    .open()
    .open({ channels: [], onMessage: () => undefined, onClose: () => undefined })
  const run = await link.ready
  const shared = createSharedDecisions({
    names,
    sealers: [createSealer(SECRET)],
    scope: undefined,
    timeoutMs: TIMEOUT_MS,
    timing: timingOf(clock),
    lease: new Lease(1000, 0),
    linkFor: () => ({ link, run }),
    warn: (message) => void warnings.push(message),
  })
  return { clock, engine, warnings, shared }
}

function allowUntil(ttlMs: number, askedAt: number) {
  return { auth: { principal: 'alice', attributes: {} }, askedAt, ttlMs }
}

async function failTimes({ engine, shared }: Scene, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    engine.reads.push(() => Promise.reject(new Error('broken')))
    expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  }
  engine.sent = []
}

it('shares an allow for the rest of its time, and nothing once that is over', async () => {
  const { clock, engine, shared } = await setScene()
  const { share } = await shared.recall(QUESTION, TIMEOUT_MS)
  const askedAt = clock.wallNow()
  engine.sent = []
  await clock.pass(400)
  share?.(allowUntil(400, askedAt))
  share?.(allowUntil(300, askedAt))
  expect(engine.sent).toEqual([])
  share?.(allowUntil(401, askedAt))
  expect(engine.sent).toEqual([['SET', expect.any(String), expect.any(Buffer), 'PX', '1']])
  const { allow } = await shared.recall(QUESTION, TIMEOUT_MS)
  expect(allow).toMatchObject({ askedAt, ttlMs: 401, auth: { principal: 'alice' } })
})

it.each([
  ['both', [FENCE_OF_ALL, FENCE_OF_TOKEN]],
  ['that of all', [FENCE_OF_ALL]],
  ['that of the token', [FENCE_OF_TOKEN]],
])('writes the fences that are absent, and only them: %s', async (_which, absent) => {
  const { engine, shared } = await setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  for (const key of absent) engine.values.delete(key)
  engine.sent = []
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  expect(engine.sentBy('SET')).toEqual(absent.map((key) => [key, expect.any(Buffer), 'NX']))
})

it('asks the engine once if both fences are there', async () => {
  const { engine, shared } = await setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  engine.sent = []
  await shared.recall(QUESTION, TIMEOUT_MS)
  expect(engine.sentBy('MGET')).toHaveLength(1)
})

it.each([
  ['of all is too short', FENCE_OF_ALL, Buffer.alloc(11)],
  ['of the token is too long', FENCE_OF_TOKEN, Buffer.alloc(13)],
  ['of all goes at once', FENCE_OF_ALL, undefined],
  ['of the token goes at once', FENCE_OF_TOKEN, undefined],
])('warns, and shares nothing, if the fence %s', async (_what, key, value) => {
  const { engine, shared, warnings } = await setScene()
  await shared.recall(QUESTION, TIMEOUT_MS)
  engine.isReadOnly = true
  if (value === undefined) engine.values.delete(key)
  else engine.values.set(key, value)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(warnings).toEqual([expect.stringMatching(/wrong length/)])
})

it.each([
  ['its own timeout', TIMEOUT_MS, 500],
  ['the rest of the time of the check', 30, 30],
])('waits for a silent engine no longer than %s', async (_which, longestMs, withinMs) => {
  const { clock, engine, shared } = await setScene()
  engine.reads.push(() => new Promise(() => undefined))
  const settled = vi.fn()
  void shared.recall(QUESTION, withinMs).then(settled)
  await clock.pass(longestMs - 1)
  expect(settled).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(settled).toHaveBeenCalledExactlyOnceWith({})
})

it('goes on asking after four failures in a row', async () => {
  const scene = await setScene()
  await failTimes(scene, 4)
  expect(await scene.shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  // It begins to count again.
  await failTimes(scene, 4)
  expect(await scene.shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
})

it('leaves the engine alone for a second after five failures in a row', async () => {
  const scene = await setScene()
  const { clock, engine, shared } = scene
  await failTimes(scene, 5)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  await clock.pass(PAUSE_MS - 1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(engine.sent).toEqual([])
  await clock.pass(1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('share')
})

it('lets one question try after that, and leaves the engine alone again if it fails', async () => {
  const scene = await setScene()
  const { clock, engine, shared } = scene
  await failTimes(scene, 5)
  await clock.pass(PAUSE_MS)
  engine.reads.push(() => new Promise(() => undefined))
  const first = shared.recall(QUESTION, TIMEOUT_MS)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(engine.sent).toHaveLength(1)
  await clock.pass(TIMEOUT_MS)
  expect(await first).toEqual({})
  await clock.pass(PAUSE_MS - 1)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(engine.sent).toHaveLength(1)
})

it('trusts no value that it read before the engine became another one', async () => {
  const { clock, engine, shared } = await setScene()
  const { share } = await shared.recall(QUESTION, TIMEOUT_MS)
  share?.(allowUntil(400, clock.wallNow()))
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toHaveProperty('allow')
  engine.run = 'b'.repeat(40)
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
})

it('shares nothing if the reply to a read is a text', async () => {
  const { engine, shared } = await setScene()
  engine.reads.push(async () => 'QUEUED')
  expect(await shared.recall(QUESTION, TIMEOUT_MS)).toEqual({})
  expect(engine.sentBy('SET')).toEqual([])
})
