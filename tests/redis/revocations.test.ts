import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { slotOf } from '../../src/redis/names.ts'
import { openPromise } from './fake-engine.ts'
import {
  begin,
  createStore,
  never,
  noted,
  reconnect,
  REVOCATION_MS,
  setScene,
  UNWRITTEN,
} from './scene.ts'
import type { FakeEngine } from './fake-engine.ts'
import type { Scene } from './scene.ts'

/** When a revocation counts as written, and what is sent until then. */

const TOKEN = 'token-of-alice'
const FENCES = 'with-auth:f:'
const FENCE_OF_ALL = `${FENCES}all`
const QUESTION = { token: TOKEN, told: '' }

/** The answer of an engine that has executed a transaction. */
const doneBy = (engine: FakeEngine): readonly unknown[] => [
  'OK',
  1,
  `role:master\r\nmaster_replid:${engine.run}`,
]
const written = (scene: Scene): number => scene.engine.sentBy('SET', FENCES).length
const countOf = (scene: Scene, state: string): number =>
  scene.states().filter((each) => each === state).length
const TOLD = 'revocation_pending'

describe('a revocation', () => {
  it('ends the decisions about its token, and no others', async () => {
    const { store } = await begin()
    const stamps = [TOKEN, 'other'].map((token) => store.stamp(token, 0, 0))
    await store.invalidate({ token: TOKEN }, 100)
    expect(stamps.map((stamp) => stamp.isCurrent())).toEqual([false, true])
    await store.invalidate('all', 100)
    expect(stamps.map((stamp) => stamp.isCurrent())).toEqual([false, false])
  })

  it('ends decisions before a client is made, which could ask', async () => {
    const { engine, timing } = setScene()
    const seen: boolean[] = []
    const make = engine.client
    vi.spyOn(engine, 'client').mockImplementation(() => {
      seen.push(stamp.isCurrent())
      return make()
    })
    const store = createStore(engine, timing)
    const stamp = store.stamp(TOKEN, 0, 0)
    void noted(store.invalidate({ token: TOKEN }, 100))
    expect(seen).toEqual([false, false])
  })

  it.each([
    ['a token', { token: TOKEN }],
    ['all', 'all'],
  ] as const)(
    'of %s ends decisions at once, even if the engine cannot be reached',
    (_what, revocation) => {
      const scene = setScene()
      scene.engine.connects.push(never, never)
      const stamp = scene.store.stamp(TOKEN, 0, 0)
      void noted(scene.store.invalidate(revocation, 100))
      expect(stamp.isCurrent()).toBe(false)
    },
  )

  it.each([
    ['unreachable', (engine: FakeEngine) => void engine.connects.push(never, never)],
    ['timeout', (engine: FakeEngine) => void engine.transactions.push(never, never, never)],
  ])('that is not written in revocationMs is told once: %s', async (cause, hinder) => {
    const scene = setScene()
    hinder(scene.engine)
    scene.store.start('test', (event) => void scene.events.push(event))
    await scene.clock.pass(0)
    const both = [TOKEN, 'other'].map((token) => noted(scene.store.invalidate({ token }, 5000)))
    const pending = { type: 'store', state: 'revocation_pending', cause }
    await scene.clock.pass(REVOCATION_MS - 1)
    expect(scene.events).not.toContainEqual(pending)
    await scene.clock.pass(1)
    expect(scene.events.filter(({ type }) => type === 'warning')).toEqual([])
    expect(scene.events).toContainEqual(pending)
    expect(countOf(scene, TOLD)).toBe(1)
    await reconnect(scene)
    expect(await Promise.all(both)).toEqual(['written', 'written'])
    expect(countOf(scene, 'revocation_settled')).toBe(1)
  })

  it('is settled once none is pending, and the next one is told again', async () => {
    const scene = await begin()
    for (let turn = 1; turn <= 2; turn += 1) {
      const [first, second] = [openPromise(), openPromise()]
      scene.engine.transactions.push(
        () => first.promise,
        () => second.promise,
      )
      const all = [TOKEN, 'other'].map((token) => noted(scene.store.invalidate({ token }, 5000)))
      await scene.clock.pass(REVOCATION_MS)
      first.resolve(doneBy(scene.engine))
      await scene.clock.pass(0)
      expect(countOf(scene, 'revocation_settled')).toBe(turn - 1)
      second.resolve(doneBy(scene.engine))
      await Promise.all(all)
      expect(countOf(scene, 'revocation_settled')).toBe(turn)
    }
    expect(countOf(scene, TOLD)).toBe(2)
  })
})

describe('the write of a revocation', () => {
  it('serves all callers who wait when it begins, and a second one serves later callers', async () => {
    const scene = await begin()
    const first = openPromise()
    scene.engine.transactions.push(() => first.promise)
    const all = [1, 2, 3].map(() => noted(scene.store.invalidate({ token: TOKEN }, 5000)))
    await scene.clock.pass(10)
    expect(written(scene)).toBe(1)
    first.resolve(doneBy(scene.engine))
    expect(await Promise.all(all)).toEqual(['written', 'written', 'written'])
    // A fence never expires.
    const fence = [expect.stringMatching(/:f:[\da-f]{4}$/), expect.any(Buffer)]
    expect(scene.engine.sentBy('SET', FENCES)).toEqual([fence, fence])
    expect(scene.states()).toEqual(['live'])
  })

  it('is repeated after a quarter of revocationMs if the engine refuses it, which is told with advice', async () => {
    const scene = await begin()
    scene.engine.refused = FENCES
    const result = noted(scene.store.invalidate({ token: TOKEN }, 5000))
    await scene.clock.pass(REVOCATION_MS / 4 - 1)
    expect([written(scene), countOf(scene, TOLD)]).toEqual([1, 1])
    const message =
      'The store takes no revocation: the memory of the engine is full and its policy is noeviction: set maxmemory-policy to volatile-ttl'
    expect(scene.events).toContainEqual({ type: 'warning', message })
    await scene.clock.pass(1)
    expect(written(scene)).toBe(2)
    scene.engine.refused = undefined
    await scene.clock.pass(REVOCATION_MS / 4)
    expect(await result).toBe('written')
    expect(scene.states().at(-1)).toBe('revocation_settled')
  })

  it('is repeated as often for many revocations of a token as for one', async () => {
    const scene = await begin()
    scene.engine.refused = FENCES
    for (let turn = 0; turn < 200; turn += 1) {
      void noted(scene.store.invalidate({ token: TOKEN }, 60_000))
      await scene.clock.pass(5)
    }
    const before = written(scene)
    await scene.clock.pass(REVOCATION_MS)
    expect(written(scene) - before).toBe(4)
  })

  it('is not repeated after the last caller has given up', async () => {
    const scene = await begin()
    const first = openPromise()
    scene.engine.transactions.push(() => first.promise)
    const result = noted(scene.store.invalidate({ token: TOKEN }, 100))
    await scene.clock.pass(100)
    expect(await result).toBe(UNWRITTEN)
    first.reject(new Error('OOM no memory'))
    await scene.clock.pass(2 * REVOCATION_MS)
    expect(written(scene)).toBe(1)
    expect(countOf(scene, TOLD)).toBe(0)
  })

  it('is repeated by a new link, unless its callers have given up', async () => {
    const scene = await begin()
    scene.engine.transactions.push(never, never)
    const left = noted(scene.store.invalidate({ token: 'other' }, 100))
    const kept = noted(scene.store.invalidate({ token: TOKEN }, 5000))
    await scene.clock.pass(100)
    expect(await left).toBe(UNWRITTEN)
    await reconnect(scene)
    expect(await kept).toBe('written')
    expect(written(scene)).toBe(3)
  })

  it('waits for a new link, also for callers who came after the old one broke', async () => {
    const scene = await begin()
    scene.engine.transactions.push(never)
    const before = noted(scene.store.invalidate({ token: TOKEN }, 5000))
    scene.engine.fail(new Error('gone'))
    const after = noted(scene.store.invalidate({ token: TOKEN }, 5000))
    await scene.clock.pass(49)
    expect(written(scene)).toBe(1)
    await scene.clock.pass(1)
    expect(await Promise.all([before, after])).toEqual(['written', 'written'])
    expect(written(scene)).toBe(2)
  })

  it('goes on by the new link if the old one fails late', async () => {
    const scene = await begin()
    const first = openPromise()
    scene.engine.transactions.push(() => first.promise)
    const result = noted(scene.store.invalidate({ token: TOKEN }, 5000))
    await scene.clock.pass(0)
    const second = openPromise()
    scene.engine.fail(new Error('gone'))
    // The first message of the new link to itself goes before.
    scene.engine.transactions.push(
      async () => doneBy(scene.engine),
      () => second.promise,
    )
    await scene.clock.pass(50)
    first.reject(new Error('OOM no memory'))
    await scene.clock.pass(REVOCATION_MS / 2)
    expect(written(scene)).toBe(2)
    expect(countOf(scene, TOLD)).toBe(0)
    second.resolve(doneBy(scene.engine))
    expect(await result).toBe('written')
  })

  it('is for all tokens after 1,024 others that are not written', async () => {
    const scene = setScene()
    scene.engine.connects.push(never, never)
    scene.store.start()
    const bySlot = new Map<number, string>()
    while (bySlot.size < 1025) {
      const id = randomBytes(32)
      bySlot.set(slotOf(id), id.toString('hex'))
    }
    const ids = [...bySlot.values()]
    const [known = ''] = ids
    const results = [...ids, known].map((sha256) => noted(scene.store.invalidate({ sha256 }, 500)))
    await reconnect(scene)
    expect(new Set(await Promise.all(results))).toEqual(new Set(['written']))
    const keys = scene.engine.sentBy('SET', FENCES).map(([key]) => key)
    expect(keys).toHaveLength(1025)
    expect(keys.filter((key) => key === FENCE_OF_ALL)).toHaveLength(1)
  })

  it('keeps the process alive while a caller waits', async () => {
    const scene = await begin()
    const schedule = vi.spyOn(scene.timing, 'schedule')
    await scene.store.invalidate({ token: TOKEN }, 77)
    const kept = schedule.mock.calls.filter(([, , keepsAlive]) => keepsAlive === true)
    expect(kept.map(([ms]) => ms)).toEqual([77])
  })
})

describe('until it is written', () => {
  const recall = (scene: Scene): Promise<object> =>
    scene.store.shared?.recall(QUESTION, 100) ?? expect.fail('nothing is shared')

  it.each([
    ['its token', { token: TOKEN }],
    ['all', 'all'],
  ] as const)('no allow is shared after a revocation of %s', async (_what, revocation) => {
    const scene = await begin()
    expect(await recall(scene)).toHaveProperty('share')
    const first = openPromise()
    scene.engine.transactions.push(() => first.promise)
    const result = noted(scene.store.invalidate(revocation, 100))
    expect(await recall(scene)).toEqual({})
    await scene.clock.pass(100)
    expect(await result).toBe(UNWRITTEN)
    // The engine may still take it.
    expect(await recall(scene)).toEqual({})
    first.resolve(doneBy(scene.engine))
    await scene.clock.pass(0)
    expect(await recall(scene)).toHaveProperty('share')
  })

  it('allows of other tokens are shared', async () => {
    const scene = await begin()
    scene.engine.transactions.push(never)
    void noted(scene.store.invalidate({ token: 'other' }, 100))
    expect(await recall(scene)).toHaveProperty('share')
  })

  it('callers who wait learn that the store is stopped', async () => {
    const scene = await begin()
    scene.engine.transactions.push(never)
    const result = noted(scene.store.invalidate('all', 100))
    scene.store.stop()
    expect(await result).toBe('The store cannot be used: stopped')
    await expect(scene.store.invalidate('all', 100)).rejects.toThrow(
      'The store is stopped, so no other instance learns of the revocation',
    )
  })
})
