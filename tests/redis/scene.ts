import { RedisStore } from '../../src/redis/store.ts'
import { SECRET } from '../support/connected-guards.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { FakeEngine, timingOf } from './fake-engine.ts'
import type { NoticeEvent, StoreEvent } from '../../src/core/types.ts'
import type { Timing } from '../../src/redis/timing.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

export const REVOCATION_MS = 1000
/** The error of a revocation that is not acknowledged in time. */
export const UNWRITTEN = 'The store cannot be used: revocation_unacknowledged'

export interface Scene {
  readonly clock: VirtualClock
  readonly engine: FakeEngine
  readonly timing: Timing
  readonly store: RedisStore
  readonly events: (StoreEvent | NoticeEvent)[]
  readonly states: () => string[]
}

export function createStore(
  engine: FakeEngine,
  timing: Timing,
  revocationMs = REVOCATION_MS,
): RedisStore {
  const settings = {
    prefix: 'with-auth:',
    database: 0,
    revocationMs,
    lostPushTtlMs: revocationMs,
    timeoutMs: 100,
    secrets: [SECRET],
    scope: undefined,
  }
  return new RedisStore(settings, engine.open(), timing)
}

export function setScene({ revocationMs = REVOCATION_MS, random = 0 } = {}): Scene {
  const clock = createVirtualClock()
  const engine = new FakeEngine()
  const timing = timingOf(clock, random)
  const store = createStore(engine, timing, revocationMs)
  const events: (StoreEvent | NoticeEvent)[] = []
  const states = (): string[] =>
    events.flatMap((event) => (event.type === 'store' ? [event.state] : []))
  return { clock, engine, timing, store, events, states }
}

/** A scene whose store has been started. */
export async function begin(
  options: { revocationMs?: number; random?: number } = {},
): Promise<Scene> {
  const scene = setScene(options)
  scene.store.start('test', (event) => void scene.events.push(event))
  await scene.clock.pass(0)
  return scene
}

/** Breaks the link, and waits for the next one. */
export async function reconnect({ engine, clock }: Scene): Promise<void> {
  engine.fail(new Error('gone'))
  await clock.pass(50)
}

export const never = (): Promise<unknown> => new Promise(() => undefined)
/** The outcome of a revocation: `written`, or the message of its error. */
export const noted = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'written',
    (error: unknown) => (error instanceof Error ? error.message : error),
  )
