import type { Stamp } from '../core/seams.ts'

const SLOTS = 65_536

/** A point in time, by both clocks. One may stop while a machine is frozen, the other may be set. */
export interface Instant {
  readonly now: number
  readonly wallNow: number
}

// The clocks of two machines may differ by as much.
const MAX_SKEW_MS = 5000

/**
 * The revocations that an instance has seen. A slot is a sixty-five-thousandth of all tokens. Its generation grows with each
 * revocation. While the lease holds, each revocation of more than `revocationMs` ago has arrived: messages arrive in order, and
 * a later one of our own has come back. The lease counts from when that was sent.
 */
export class Lease {
  readonly #revocationMs: number
  readonly lostPushTtlMs: number
  readonly generations: Uint32Array = new Uint32Array(SLOTS)
  epoch = 0
  // The lease holds between these times.
  #beganAt = -Infinity
  endsAt: number = -Infinity
  wallBeganAt: number = Infinity
  wallEndsAt: number = -Infinity
  readonly #revokedAt = new Float64Array(SLOTS)
  #allRevokedAt = 0

  constructor(revocationMs: number, lostPushTtlMs: number) {
    this.#revocationMs = revocationMs
    this.lostPushTtlMs = lostPushTtlMs
  }

  /** Ends all decisions of a slot, also those that other instances share. */
  age(slot: number, wallNow: number): void {
    this.generations[slot] = (this.generations[slot] ?? 0) + 1
    this.#revokedAt[slot] = Math.max(this.#revokedAt[slot] ?? 0, wallNow)
  }

  /** Ends all decisions, also those that other instances share. */
  ageAll(wallNow: number): void {
    this.epoch += 1
    this.#allRevokedAt = Math.max(this.#allRevokedAt, wallNow)
  }

  /** Whether no revocation is known since a shared decision was asked for, by the time of day of another machine. */
  trusts(slot: number, askedAt: number): boolean {
    return askedAt >= Math.max(this.#revokedAt[slot] ?? 0, this.#allRevokedAt) + MAX_SKEW_MS
  }

  /** A subscription that is new has missed what came before it. */
  restart(): void {
    this.epoch += 1
    this.#hold(-Infinity, -Infinity)
  }

  /** A message that was sent then has come back. */
  prove({ now, wallNow }: Instant): void {
    if (now > this.#beganAt) this.#hold(now, wallNow)
  }

  holds({ now, wallNow }: Instant): boolean {
    return now < this.endsAt && wallNow < this.wallEndsAt && wallNow >= this.wallBeganAt
  }

  stamp(slot: number, at: Instant): Stamp {
    return new LeasedStamp(this, slot, at)
  }

  #hold(now: number, wallNow: number): void {
    this.#beganAt = now
    this.endsAt = now + this.#revocationMs
    this.wallBeganAt = wallNow
    this.wallEndsAt = wallNow + this.#revocationMs
  }
}

class LeasedStamp implements Stamp {
  readonly #lease: Lease
  readonly #slot: number
  readonly #generation: number
  readonly #epoch: number
  readonly #askedAt: Instant

  constructor(lease: Lease, slot: number, askedAt: Instant) {
    this.#lease = lease
    this.#slot = slot
    this.#generation = lease.generations[slot] ?? 0
    this.#epoch = lease.epoch
    this.#askedAt = askedAt
  }

  isCurrent(): boolean {
    const { generations, epoch } = this.#lease
    return generations[this.#slot] === this.#generation && epoch === this.#epoch
  }

  // Each cache hit asks this, so it calls little.
  isGood(now: number, wallNow: number): boolean {
    const lease = this.#lease
    if (lease.generations[this.#slot] !== this.#generation || lease.epoch !== this.#epoch) {
      return false
    }
    if (now < lease.endsAt && wallNow < lease.wallEndsAt && wallNow >= lease.wallBeganAt) {
      return true
    }
    const ageMs = now - this.#askedAt.now
    const wallAgeMs = wallNow - this.#askedAt.wallNow
    return ageMs < lease.lostPushTtlMs && wallAgeMs >= 0 && wallAgeMs < lease.lostPushTtlMs
  }
}
