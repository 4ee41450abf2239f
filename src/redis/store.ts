import { randomBytes } from 'node:crypto'
import { Connection } from './connection.ts'
import { Lease } from './lease.ts'
import { createNames, slotName, slotOf, tokenIdOf } from './names.ts'
import { Revocations } from './revocations.ts'
import { createSealer } from './seal.ts'
import { createSharedDecisions } from './shared.ts'
import type { DecisionStore, Revocation, SharedDecisions, Stamp } from '../core/seams.ts'
import type { NoticeEvent, StoreEvent } from '../core/types.ts'
import type { Engine } from './engine.ts'
import type { Timing } from './timing.ts'

export interface StoreSettings {
  readonly prefix: string
  readonly database: number
  readonly revocationMs: number
  readonly lostPushTtlMs: number
  readonly timeoutMs: number
  /** None: decisions are not shared. */
  readonly secrets: readonly string[]
  readonly scope: string | undefined
}

type Listener = (event: StoreEvent | NoticeEvent) => void

/** By the reason of an `EngineError`. */
export const ADVICE: Readonly<Record<string, string>> = {
  replica: 'the engine is a replica: connect to the primary',
  cluster: 'the engine runs in cluster mode, which has no order of messages: use one primary',
  NOPERM: 'the user of the engine lacks a right: see the ACL in the documentation',
  NOAUTH: 'the engine asks for a password: put it into "url"',
  WRONGPASS: 'the engine rejects the user or the password of "url"',
  OOM: 'the memory of the engine is full and its policy is noeviction: set maxmemory-policy to volatile-ttl',
}

/** Connects this instance with the others by an engine. */
export class RedisStore implements DecisionStore {
  readonly revocationMs: number
  readonly lostPushTtlMs: number
  readonly shared: SharedDecisions | undefined
  readonly #timing: Timing
  readonly #lease: Lease
  readonly #connection: Connection
  readonly #revocations: Revocations
  readonly #listeners = new Map<unknown, Listener>()
  readonly #warned = new Set<string>()
  #progress: 'made' | 'started' | 'stopped' = 'made'
  #state: 'live' | 'lost' | undefined
  #cause: string | undefined
  #isPendingTold = false

  constructor(settings: StoreSettings, engine: Engine, timing: Timing) {
    const { prefix, revocationMs, lostPushTtlMs, timeoutMs, secrets, scope } = settings
    const names = createNames(prefix, settings.database)
    this.revocationMs = revocationMs
    this.lostPushTtlMs = lostPushTtlMs
    this.#timing = timing
    this.#lease = new Lease(revocationMs, lostPushTtlMs)
    this.#revocations = new Revocations(names, revocationMs, timing, {
      link: () => this.#connection.current()?.link,
      onPending: (cause) => this.#onPending(cause),
      onEmpty: () => this.#onSettled(),
    })
    const instance = randomBytes(12).toString('hex')
    const options = { names, instance, lease: this.#lease, revocationMs }
    this.#connection = new Connection(engine, options, timing, {
      onLive: () => this.#tell('live'),
      onLost: (cause) => this.#tell('lost', cause),
      onReady: () => this.#revocations.retry(),
    })
    if (secrets.length === 0) return
    this.shared = createSharedDecisions({
      names,
      sealers: secrets.map(createSealer),
      scope,
      timeoutMs,
      timing,
      lease: this.#lease,
      linkFor: (slot) =>
        this.#revocations.isPending(slot) ? undefined : this.#connection.current(),
      warn: (message) => this.#warn(message),
    })
  }

  start(key?: unknown, listener?: Listener): void {
    const isNew = !this.#listeners.has(key)
    if (listener !== undefined) this.#listeners.set(key, listener)
    if (isNew && this.#state === 'lost') listener?.(stateEvent('lost', this.#cause))
    if (this.#progress !== 'made') return
    this.#progress = 'started'
    this.#timing.schedule(this.revocationMs, () => {
      if (this.#state === undefined && this.#progress === 'started') this.#tell('lost', 'timeout')
    })
    this.#connection.open()
  }

  stamp(token: string, now: number, wallNow: number): Stamp {
    return this.#lease.stamp(slotOf(tokenIdOf(token)), { now, wallNow })
  }

  /** Ends the decisions of this instance before it returns. */
  async invalidate(revocation: Revocation, withinMs: number): Promise<void> {
    const wallNow = this.#timing.wallNow()
    const slot = revocation === 'all' ? undefined : slotOf(idOf(revocation))
    if (slot === undefined) this.#lease.ageAll(wallNow)
    else this.#lease.age(slot, wallNow)
    this.start()
    if (this.#progress === 'stopped')
      throw new Error('The store is stopped, so no other instance learns of the revocation')
    await this.#revocations.add(slot === undefined ? 'all' : slotName(slot), withinMs)
  }

  /** Closes the connections, and rejects revocations that wait. Cannot be started again. */
  stop(): void {
    this.#progress = 'stopped'
    this.#connection.close()
    this.#revocations.rejectAll()
  }

  #tell(state: 'live' | 'lost', cause?: string): void {
    const isNew = this.#state !== state
    this.#state = state
    this.#cause = cause
    if (isNew) this.#emit(stateEvent(state, cause))
    const advice = cause === undefined ? undefined : ADVICE[cause]
    if (advice !== undefined) this.#warn(`The store cannot be used: ${advice}`)
  }

  #onPending(cause: string): void {
    if (this.#isPendingTold) return
    this.#isPendingTold = true
    this.#emit(stateEvent('revocation_pending', cause))
    const advice = ADVICE[cause]
    if (advice !== undefined) this.#warn(`The store takes no revocation: ${advice}`)
  }

  #onSettled(): void {
    if (!this.#isPendingTold) return
    this.#isPendingTold = false
    this.#emit(stateEvent('revocation_settled'))
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.#emit({ type: 'warning', message })
  }

  #emit(event: StoreEvent | NoticeEvent): void {
    // Each gets its own, since an observer freezes it.
    for (const listener of this.#listeners.values()) listener({ ...event })
  }
}

function stateEvent(state: StoreEvent['state'], cause?: string): StoreEvent {
  return { type: 'store', state, ...(cause === undefined ? {} : { cause }) }
}

function idOf(revocation: Exclude<Revocation, 'all'>): Uint8Array {
  return 'token' in revocation ? tokenIdOf(revocation.token) : Buffer.from(revocation.sha256, 'hex')
}
