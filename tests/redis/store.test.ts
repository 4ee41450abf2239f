import { describe, expect, it, vi } from 'vitest'
import { openPromise } from './fake-engine.ts'
import { begin, createStore, never, noted, REVOCATION_MS, setScene, UNWRITTEN } from './scene.ts'
import type { Scene } from './scene.ts'

/** A store over time: how it connects, and what its messages to itself prove. */

const BEAT_MS = 250
const BUS = 'with-auth:bus'
const TOKEN = 'token-of-alice'
const ONE_NEW_LINK = { opened: 2, messages: 4, openedAtLast: 2, timers: 0 }
const refuse = (): never => {
  throw new Error('no client')
}
const LOST = { type: 'store', state: 'lost', cause: 'timeout' }

/** Counts the links, the messages of a second, and the timers that are left after the store has stopped. */
async function countLinks({ clock, engine, store }: Scene) {
  await clock.pass(10 * REVOCATION_MS)
  const { opened } = engine
  const before = engine.sentBy('PUBLISH').length
  await clock.pass(REVOCATION_MS)
  const messages = engine.sentBy('PUBLISH').length - before
  store.stop()
  await clock.pass(10 * REVOCATION_MS)
  return { opened, messages, openedAtLast: engine.opened, timers: clock.pending() }
}

describe('connecting', () => {
  it.each([
    [250, 2000],
    [1000, 3000],
  ])('with revocationMs of %i it is given up after %i ms', async (revocationMs, givenUpMs) => {
    const scene = setScene({ revocationMs })
    scene.engine.connects.push(never, never)
    scene.store.start()
    await scene.clock.pass(givenUpMs - 1)
    expect(scene.engine.opened).toBe(1)
    await scene.clock.pass(1 + 49)
    expect(scene.engine.opened).toBe(1)
    await scene.clock.pass(1)
    expect(scene.engine.opened).toBe(2)
  })

  it('doubles the pause after each failure, up to 500 ms, plus a random part', async () => {
    const { engine, clock } = await begin({ random: 0.5 })
    const fail = (): Promise<unknown> => Promise.reject(new Error('refused'))
    for (const pauseMs of [75, 150, 300, 600, 750, 750]) {
      engine.connects.push(fail, fail)
      const { opened } = engine
      engine.fail(new Error('gone'))
      await clock.pass(pauseMs - 1)
      expect(engine.opened).toBe(opened)
      await clock.pass(1)
      expect(engine.opened).toBe(opened + 1)
    }
    // The last one succeeds, so the next pause is short again.
    await clock.pass(750)
    const { opened } = engine
    engine.fail(new Error('gone'))
    await clock.pass(75)
    expect(engine.opened).toBe(opened + 1)
  })

  it('says that it is lost if it takes longer than revocationMs, also to listeners added later', async () => {
    const scene = setScene()
    scene.engine.connects.push(never, never)
    scene.store.start('test', (event) => void scene.events.push(event))
    await scene.clock.pass(REVOCATION_MS - 1)
    expect(scene.events).toEqual([])
    await scene.clock.pass(1)
    expect(scene.events).toEqual([LOST])
    await scene.clock.pass(2 * REVOCATION_MS)
    const later = vi.fn()
    scene.store.start('later', later)
    expect(later).toHaveBeenCalledExactlyOnceWith(LOST)
    expect(scene.events).toEqual([LOST])
  })

  it('says nothing once it has been stopped', async () => {
    const scene = setScene()
    scene.engine.connects.push(never, never)
    scene.store.start('test', (event) => void scene.events.push(event))
    scene.store.stop()
    await scene.clock.pass(10_000)
    expect(scene.events).toEqual([])
    expect(scene.engine.opened).toBe(1)
  })

  it('reports a factory that throws by a code alone, since its message may hold the URL', async () => {
    const scene = setScene()
    vi.spyOn(scene.engine, 'client').mockImplementation(() => {
      throw new Error('redis://user:hunter2@host')
    })
    const store = createStore(scene.engine, scene.timing)
    store.start('test', (event) => void scene.events.push(event))
    expect(scene.events).toEqual([{ type: 'store', state: 'lost', cause: 'internal_error' }])
    await scene.clock.pass(50)
    expect(scene.engine.client).toHaveBeenCalledTimes(2)
    store.stop()
  })

  it('sends nothing by a link that was given up before it was ready', async () => {
    const scene = setScene()
    const late = openPromise()
    scene.engine.connects.push(
      () => late.promise,
      async () => undefined,
      never,
      never,
    )
    scene.store.start()
    await scene.clock.pass(3000 + 50)
    late.resolve()
    await scene.clock.pass(0)
    const written = noted(scene.store.invalidate('all', 100))
    await scene.clock.pass(100)
    expect(await written).toBe(UNWRITTEN)
    expect(scene.engine.sent).toEqual([])
  })

  it('says that a connection broke, with its code, and opens another one', async () => {
    const scene = await begin()
    expect(scene.events).toStrictEqual([{ type: 'store', state: 'live' }])
    scene.engine.fail(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    expect(scene.events.at(-1)).toEqual({ type: 'store', state: 'lost', cause: 'ECONNRESET' })
    await scene.clock.pass(50)
    expect(scene.states()).toEqual(['live', 'lost', 'live'])
    expect(scene.engine.opened).toBe(2)
  })

  it.each([
    ['a link that broke', false],
    ['a client that cannot be made', true],
  ])('ends if an observer stops the store because of %s', async (_what, isFactory) => {
    const { clock, engine, timing } = setScene()
    const client = vi.spyOn(engine, 'client')
    if (isFactory) client.mockImplementation(refuse)
    const store = createStore(engine, timing)
    const told: string[] = []
    store.start('test', (event) => {
      told.push(event.type)
      if ('cause' in event) store.stop()
    })
    await clock.pass(0)
    engine.fail(new Error('gone'))
    const before = told.length
    await clock.pass(10 * REVOCATION_MS)
    expect(told).toHaveLength(before)
    expect(client).toHaveBeenCalledTimes(isFactory ? 1 : 2)
  })

  it('opens one new link if a client reports an error while it is destroyed', async () => {
    const scene = await begin()
    scene.engine.breaksAt = 'destroy'
    scene.engine.fail(new Error('gone'))
    expect(await countLinks(scene)).toEqual(ONE_NEW_LINK)
  })

  it('opens one new link if an observer sends by a link that breaks then', async () => {
    const scene = setScene()
    const { clock, engine, store } = scene
    store.start('test', (event) => {
      if (event.type !== 'store' || event.state !== 'lost' || engine.breaksAt === 'multi') return
      engine.breaksAt = 'multi'
      void noted(store.invalidate('all', 10))
    })
    await clock.pass(0)
    engine.isSilent = true
    await clock.pass(REVOCATION_MS + BEAT_MS)
    engine.breaksAt = undefined
    engine.isSilent = false
    expect(await countLinks(scene)).toEqual(ONE_NEW_LINK)
  })
})

describe('messages to itself', () => {
  it('are sent four times in revocationMs, and are empty and short-lived', async () => {
    const { engine, clock } = await begin()
    await clock.pass(2 * BEAT_MS)
    expect(engine.sentBy('PUBLISH').map(([, message]) => message)).toEqual(['b1', 'b2', 'b3'])
    const kept = [expect.stringMatching(/^with-auth:b:/), Buffer.alloc(0), 'PX', '4000']
    expect(engine.sentBy('SET')).toEqual([kept, kept, kept])
  })

  it('that do not come back lose the store after revocationMs, and the link after three times that', async () => {
    const { engine, clock, events, states } = await begin()
    engine.isSilent = true
    await clock.pass(REVOCATION_MS)
    expect(states()).toEqual(['live'])
    await clock.pass(BEAT_MS)
    expect(events.at(-1)).toEqual(LOST)
    await clock.pass(3 * REVOCATION_MS - REVOCATION_MS - BEAT_MS)
    expect(engine.opened).toBe(1)
    await clock.pass(BEAT_MS + 50)
    expect(engine.opened).toBe(2)
    expect(states()).toEqual(['live', 'lost'])
  })

  it('stop when an observer stops the store on "lost"', async () => {
    const scene = setScene()
    scene.store.start('test', ({ type, ...more }) => {
      if (type === 'store' && 'cause' in more) scene.store.stop()
    })
    await scene.clock.pass(0)
    scene.engine.isSilent = true
    await scene.clock.pass(10_000)
    expect(scene.engine.sentBy('PUBLISH')).toHaveLength(5)
    expect(scene.engine.opened).toBe(1)
    expect(scene.clock.pending()).toBe(0)
  })

  it('prove nothing before they come back, nor before they were executed', async () => {
    const scene = setScene()
    const executed = openPromise()
    scene.engine.isSilent = true
    scene.store.start('test', (event) => void scene.events.push(event))
    await scene.clock.pass(10)
    expect(scene.events).toEqual([])
    scene.engine.isSilent = false
    scene.engine.transactions.push(() => executed.promise)
    await scene.clock.pass(BEAT_MS)
    const [channel] = scene.engine.sentBy('PUBLISH').at(-1) ?? []
    scene.engine.deliver('b2', String(channel))
    expect(scene.events).toEqual([])
    executed.resolve(['OK', 1, 'role:master\r\nmaster_replid:'.concat(scene.engine.run)])
    await scene.clock.pass(0)
    expect(scene.states()).toEqual(['live'])
  })

  it('count from when they were sent, even if they come back late', async () => {
    const scene = await begin()
    scene.engine.isSilent = true
    const stamp = scene.store.stamp(TOKEN, -10_000, -10_000)
    const began = scene.clock.now()
    await scene.clock.pass(2 * BEAT_MS + 10)
    const [channel = ''] = scene.engine.sentBy('PUBLISH').at(-1) ?? []
    const isGoodAt = (ms: number): boolean => {
      const aheadMs = began + ms - scene.clock.now()
      return stamp.isGood(began + ms, scene.clock.wallNow() + aheadMs)
    }
    scene.engine.deliver('b2', String(channel))
    expect([isGoodAt(1249), isGoodAt(1250)]).toEqual([true, false])
    scene.engine.deliver('b3', String(channel))
    expect([isGoodAt(1499), isGoodAt(1500)]).toEqual([true, false])
  })

  it('that come back too late do not bring the store back', async () => {
    const { engine, clock, states } = await begin()
    engine.isSilent = true
    await clock.pass(REVOCATION_MS + BEAT_MS)
    expect(states()).toEqual(['live', 'lost'])
    const [channel] = engine.sentBy('PUBLISH').at(-1) ?? []
    engine.deliver('b2', String(channel))
    expect(states()).toEqual(['live', 'lost'])
    engine.deliver('b4', String(channel))
    expect(states()).toEqual(['live', 'lost', 'live'])
  })

  it('of other programs, or by the other channel, are ignored', async () => {
    const { clock, engine, store, states } = await begin()
    engine.isSilent = true
    const stamp = store.stamp(TOKEN, 0, 0)
    await clock.pass(REVOCATION_MS + BEAT_MS)
    expect(states()).toEqual(['live', 'lost'])
    const [channel] = engine.sentBy('PUBLISH').at(-1) ?? []
    for (const text of ['b99', 'a', 'x']) engine.deliver(text, String(channel))
    for (const text of ['b5', 'x']) engine.deliver(text, BUS)
    expect(states()).toEqual(['live', 'lost'])
    expect(stamp.isCurrent()).toBe(true)
    engine.deliver('b5', String(channel))
    expect(states()).toEqual(['live', 'lost', 'live'])
    engine.deliver('a', BUS)
    expect(stamp.isCurrent()).toBe(false)
  })
})
