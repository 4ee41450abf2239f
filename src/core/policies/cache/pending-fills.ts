import { TransientMap } from '../transient-map.ts'
import type { Check } from '../../request/check.ts'
import type { Clock } from '../../runtime.ts'

/** A check that the endpoint is asked about and whose verdict may be cached. */
export interface PendingFill {
  readonly check: Check
  readonly deadline: number
  readonly startedAt: number
  readonly wallStartedAt: number
  /** Something newer is known, so its verdict must not be cached. */
  isOutdated: boolean
}

// The number of questions from which lost fills are looked for; then again at twice as many, so that looking costs almost
// nothing.
const MANY = 2048
// A call may still end a moment after its deadline.
const GRACE_MS = 1000

/** The fills under way. On Workers a call is lost with the request that started it, and never ends. */
export class PendingFills {
  readonly #clock: Pick<Clock, 'now' | 'wallNow'>
  // By key, since comparing all questions of one token with each other would be quadratic. A set is in the order in which
  // its fills began.
  readonly #byKey = new TransientMap<string, Set<PendingFill>>()
  #sweepAt = MANY

  constructor(clock: Pick<Clock, 'now' | 'wallNow'>) {
    this.#clock = clock
  }

  begin(check: Check, deadline: number): PendingFill {
    if (this.#byKey.size >= this.#sweepAt) this.#dropAllLost()
    const startedAt = this.#clock.now()
    const wallStartedAt = this.#clock.wallNow()
    const fill = { check, deadline, startedAt, wallStartedAt, isOutdated: false }
    const fills = this.#byKey.get(check.key) ?? new Set()
    for (const earlier of fills) {
      if (!this.#dropIfLost(earlier, this.#clock.now())) break
    }
    this.#byKey.set(check.key, fills.add(fill))
    return fill
  }

  end(fill: PendingFill): void {
    const { key } = fill.check
    const fills = this.#byKey.get(key)
    if (fills?.delete(fill) === true && fills.size === 0) this.#byKey.delete(key)
  }

  /** Outdates all fills of a token, or all fills. */
  outdate(token?: string): void {
    for (const [, fills] of this.#byKey.entries()) {
      for (const fill of fills) {
        fill.isOutdated ||= token === undefined || fill.check.token === token
      }
    }
  }

  /** Outdates the other fills of the same question, or those of them that began before. Returns whether there were any. */
  outdateOthers(fill: PendingFill, which: 'older' | 'all'): boolean {
    const fills = this.#byKey.get(fill.check.key) ?? []
    // A fill that was dropped as lost began before all that are still there.
    if (which === 'older' && !(fills instanceof Set && fills.has(fill))) return false
    let found = false
    for (const other of fills) {
      if (other === fill && which === 'older') break
      if (other === fill) continue
      other.isOutdated = true
      found = true
    }
    return found
  }

  // A dropped fill can no longer be invalidated, so a late verdict must not be cached.
  #dropIfLost(fill: PendingFill, now: number): boolean {
    if (fill.deadline >= now - GRACE_MS) return false
    fill.isOutdated = true
    this.end(fill)
    return true
  }

  #dropAllLost(): void {
    const now = this.#clock.now()
    for (const [, fills] of this.#byKey.entries()) {
      for (const fill of fills) this.#dropIfLost(fill, now)
    }
    this.#sweepAt = Math.max(MANY, 2 * this.#byKey.size)
  }
}
