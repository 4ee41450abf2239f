import type { Stamp } from '../core/decision-store.ts'

export const SLOTS = 65_536

/** A point in time, by both clocks. One may stop while a machine is frozen, the other may be set. */
export interface Instant {
  readonly now: number
  readonly wallNow: number
}

function isWithin(ms: number, since: Instant, now: number, wallNow: number): boolean {
  const wallAgeMs = wallNow - since.wallNow
  return now - since.now < ms && wallAgeMs >= 0 && wallAgeMs < ms
}

// The clocks of two machines may differ by as much.
const MAX_SKEW_MS = 5000
const NEVER: Instant = { now: -Infinity, wallNow: -Infinity }

/**
 * What an instance knows of revocations. A slot is a sixty-five-thousandth of all tokens. Its generation grows with each
 * revocation. While the lease holds, each revocation of more than `revocationMs` ago has arrived: messages arrive in order, and
 * a later one of our own has come back. The lease counts from when that was sent.
 */
export class Lease {
  readonly #revocationMs: number
  readonly #lostPushTtlMs: number
  readonly #generations = new Uint32Array(SLOTS)
  readonly #revokedAt = new Float64Array(SLOTS)
  #epoch = 0
  #allRevokedAt = 0
  #provenAt = NEVER

  constructor(revocationMs: number, lostPushTtlMs: number) {
    this.#revocationMs = revocationMs
    this.#lostPushTtlMs = lostPushTtlMs
  }

  /** Ends all decisions of a slot, also those that other instances share. */
  age(slot: number, wallNow: number): void {
    this.#generations[slot] = this.generation(slot) + 1
    this.#revokedAt[slot] = Math.max(this.#revokedAt[slot] ?? 0, wallNow)
  }

  /** Ends all decisions, also those that other instances share. */
  ageAll(wallNow: number): void {
    this.#epoch += 1
    this.distrust(wallNow)
  }

  /** Ends all decisions that other instances share. */
  distrust(wallNow: number): void {
    this.#allRevokedAt = Math.max(this.#allRevokedAt, wallNow)
  }

  /** Whether no revocation is known since a shared decision was asked for, by the time of day of another machine. */
  trusts(slot: number, askedAt: number): boolean {
    return askedAt >= Math.max(this.#revokedAt[slot] ?? 0, this.#allRevokedAt) + MAX_SKEW_MS
  }

  /** A subscription that is new has missed what came before it. */
  restart(): void {
    this.#epoch += 1
    this.#provenAt = NEVER
  }

  /** A message that was sent then has come back. */
  prove(sentAt: Instant): void {
    if (sentAt.now > this.#provenAt.now) this.#provenAt = sentAt
  }

  holds({ now, wallNow }: Instant): boolean {
    return isWithin(this.#revocationMs, this.#provenAt, now, wallNow)
  }

  stamp(slot: number, at: Instant): Stamp {
    return new LeasedStamp(this, slot, at)
  }

  generation(slot: number): number {
    return this.#generations[slot] ?? 0
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Whether a decision of the current generation may be used, which was asked for at that time. */
  covers(askedAt: Instant, now: number, wallNow: number): boolean {
    return (
      isWithin(this.#revocationMs, this.#provenAt, now, wallNow) ||
      isWithin(this.#lostPushTtlMs, askedAt, now, wallNow)
    )
  }
}

class LeasedStamp implements Stamp, Instant {
  readonly #lease: Lease
  readonly #slot: number
  readonly #generation: number
  readonly #epoch: number
  readonly now: number
  readonly wallNow: number

  constructor(lease: Lease, slot: number, { now, wallNow }: Instant) {
    this.#lease = lease
    this.#slot = slot
    this.#generation = lease.generation(slot)
    this.#epoch = lease.epoch
    this.now = now
    this.wallNow = wallNow
  }

  isCurrent(): boolean {
    return (
      this.#lease.generation(this.#slot) === this.#generation && this.#lease.epoch === this.#epoch
    )
  }

  isGood(now: number, wallNow: number): boolean {
    return this.isCurrent() && this.#lease.covers(this, now, wallNow)
  }
}
