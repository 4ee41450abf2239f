import { Entries, Shelf } from './entries.ts'
import { Generations, KnownTokens } from '../core/asking/known-tokens.ts'
import { UnderWay } from '../core/asking/under-way.ts'
import { usualField } from '../core/request/credentials.ts'
import type { TimedDecision } from './cached-decision.ts'
import type { CacheBounds, DecisionStore } from '../core/seams.ts'
import type { Clock } from '../core/runtime.ts'

// An entry with an ordinary identity. The bytes bound the memory whatever callers send, so that few large entries fit.
const BYTES_PER_ENTRY = 3355
const LEAST_BYTES = 2 ** 16
/** In place of a question: any of the token that has no entry. No encoded question is like it. */
export const ANY = '*'

/** The part that all partitions of a cache share: its bounds, its clock and its store. Made with the first request. */
export class Memory {
  readonly bounds: CacheBounds
  readonly clock: Clock
  readonly store: DecisionStore | undefined
  readonly madeAt: number
  readonly wallMadeAt: number
  readonly allows: Shelf
  /** A shelf of their own, so that invalid tokens drop no allow. */
  readonly denials: Shelf
  /** When the endpoint last answered, for decisions that instances share. */
  readonly asked: Shelf
  readonly generations: Generations
  /** The time of day at which parts were closed last, with what the endpoint took before. */
  closedAt: number = -Infinity
  /** Starts the store. Called with each question, since it may be the first. */
  readonly start: () => void

  constructor(
    bounds: CacheBounds,
    clock: Clock,
    store: DecisionStore | undefined,
    start: () => void = () => undefined,
  ) {
    const { maxEntries } = bounds
    const quarter = Math.max(LEAST_BYTES, BYTES_PER_ENTRY * maxEntries) / 4
    this.bounds = bounds
    this.clock = clock
    this.store = store
    this.start = start
    this.madeAt = clock.now()
    this.wallMadeAt = clock.wallNow()
    this.allows = new Shelf({ maxEntries, maxBytes: 3 * quarter })
    this.denials = new Shelf({ maxEntries, maxBytes: quarter })
    this.asked = new Shelf({ maxEntries, maxBytes: quarter })
    this.generations = new Generations()
  }
}

/** The content of one partition. After it is closed, its guards open a new one. */
export class Parts {
  readonly allows: Entries<TimedDecision>
  readonly denials: Entries<TimedDecision>
  readonly asked: Entries<number>
  /** The endpoint may have taken any allow that was asked for before. */
  askedSince: number
  readonly tokens: KnownTokens
  readonly calls: UnderWay = new UnderWay()
  /** Looked at since the last one was closed. */
  isUsed: boolean = false
  isOpen: boolean = true
  readonly #memory: Memory

  constructor(memory: Memory) {
    this.#memory = memory
    this.askedSince = memory.closedAt
    this.allows = new Entries(memory.allows)
    this.denials = new Entries(memory.denials)
    this.asked = new Entries(memory.asked, {
      crowded: (token, at) => {
        this.asked.set(token, ANY, Math.max(at, this.asked.get(token, ANY) ?? -Infinity), 0)
      },
      // It counts for all questions then, as one that does not fit does.
      evicted: (at) => {
        this.askedSince = Math.max(this.askedSince, at)
      },
    })
    this.tokens = new KnownTokens(memory.generations)
  }

  /** Drops all decisions about a token, or all decisions. Those under way are neither stored nor shared. */
  forget(token?: string): void {
    const field = token === undefined ? undefined : usualField(token)
    this.allows.forget(field)
    this.denials.forget(field)
    this.tokens.forget(token)
    this.calls.outdate(token)
  }

  /** Takes nothing from other instances either that was asked for before now. */
  distrust(): void {
    this.askedSince = Math.max(this.askedSince, this.#memory.clock.wallNow())
    this.forget()
  }

  close(): void {
    this.isOpen = false
    this.forget()
    this.asked.forget()
    this.#memory.closedAt = Math.max(this.#memory.closedAt, this.#memory.clock.wallNow())
  }
}
