import { copyOf } from '../runtime.ts'

const GENERATION_MS = 1_800_000
const MAX_TOKENS = 16_384
const MAX_CHARACTERS = 8_000_000

/** The tokens of each owner. They go with the generation, even if their owner is no longer used. */
type Generation = WeakMap<object, Set<string>>

/** Bounds what is remembered, over all guards of a cache. A generation ends when it is half an hour old, or full. */
export class Generations {
  #younger: Generation = new WeakMap()
  #older: Generation = new WeakMap()
  // Born with the first use: on Workers the clock stands still before the first request.
  #bornAt = -Infinity
  #tokens = 0
  #characters = 0

  has(owner: object, token: string, now: number): boolean {
    this.#age(now)
    return (
      this.#younger.get(owner)?.has(token) === true || this.#older.get(owner)?.has(token) === true
    )
  }

  isEmpty(owner: object, now: number): boolean {
    this.#age(now)
    return (this.#younger.get(owner)?.size ?? 0) + (this.#older.get(owner)?.size ?? 0) === 0
  }

  add(owner: object, token: string, now: number): void {
    this.#age(now)
    if (this.#younger.get(owner)?.has(token) === true) return
    const { length } = token
    if (this.#tokens >= MAX_TOKENS || this.#characters + length > MAX_CHARACTERS) {
      this.#renew(1, now)
    }
    this.#tokens += 1
    this.#characters += length
    const known = this.#younger.get(owner)
    if (known === undefined) this.#younger.set(owner, new Set([copyOf(token)]))
    else known.add(copyOf(token))
  }

  /** Forgets a token, or all tokens, of an owner. They no longer count. */
  forget(owner: object, token?: string): void {
    const younger = this.#younger.get(owner)
    const forgotten = token === undefined ? [...(younger ?? [])] : [token]
    for (const one of forgotten) {
      if (younger?.delete(one) !== true) continue
      this.#tokens -= 1
      this.#characters -= one.length
    }
    const older = this.#older.get(owner)
    if (token === undefined) older?.clear()
    else older?.delete(token)
  }

  #age(now: number): void {
    const ageMs = now - this.#bornAt
    if (ageMs >= GENERATION_MS) this.#renew(ageMs >= 2 * GENERATION_MS ? 2 : 1, now)
  }

  #renew(by: 1 | 2, now: number): void {
    this.#older = by === 1 ? this.#younger : new WeakMap()
    this.#younger = new WeakMap()
    this.#bornAt = now
    this.#tokens = 0
    this.#characters = 0
  }
}

/**
 * The tokens that the endpoint allowed lately, each for 30 to 60 minutes after its last allow. When a generation ends it becomes the
 * older one, and the one before is dropped.
 */
export class KnownTokens {
  readonly #generations: Generations

  constructor(generations: Generations) {
    this.#generations = generations
  }

  has(token: string, now: number): boolean {
    return this.#generations.has(this, token, now)
  }

  add(token: string, now: number): void {
    this.#generations.add(this, token, now)
  }

  /** Forgets a token, or all tokens. */
  forget(token?: string): void {
    this.#generations.forget(this, token)
  }

  isEmpty(now: number): boolean {
    return this.#generations.isEmpty(this, now)
  }
}
