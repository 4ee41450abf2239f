import { copyOf } from '../runtime.ts'

const GENERATION_MS = 1_800_000
const MAX_TOKENS = 16_384
const MAX_CHARACTERS = 8_000_000

/** The tokens of each owner. They go with their generation, even if their owner is no longer used. */
type Generation = WeakMap<object, Set<string>>

/** The bounds of the known tokens of all guards of a cache. A generation ends when it is half an hour old, or full. */
export class Generations {
  younger: Generation = new WeakMap()
  older: Generation = new WeakMap()
  // Born with the first use: on Workers the clock stands still before the first request.
  bornAt: number = -Infinity
  tokens = 0
  characters = 0
}

/**
 * The tokens that the endpoint allowed lately, each for 30 to 60 minutes after its last allow. When a generation ends it becomes the
 * older one, and the one before is dropped.
 */
export class KnownTokens {
  readonly #of: Generations

  constructor(generations: Generations = new Generations()) {
    this.#of = generations
  }

  has(token: string, now: number): boolean {
    this.#age(now)
    const { younger, older } = this.#of
    return younger.get(this)?.has(token) === true || older.get(this)?.has(token) === true
  }

  isEmpty(now: number): boolean {
    this.#age(now)
    const { younger, older } = this.#of
    return (younger.get(this)?.size ?? 0) + (older.get(this)?.size ?? 0) === 0
  }

  add(token: string, now: number): void {
    this.#age(now)
    if (this.#of.younger.get(this)?.has(token) === true) return
    const isFull = this.#of.tokens >= MAX_TOKENS
    if (isFull || this.#of.characters + token.length > MAX_CHARACTERS) this.#renew(1, now)
    this.#count(1, token)
    const known = this.#of.younger.get(this)
    if (known === undefined) this.#of.younger.set(this, new Set([copyOf(token)]))
    else known.add(copyOf(token))
  }

  /** Forgets a token, or all tokens. They no longer count. */
  forget(token?: string): void {
    const younger = this.#of.younger.get(this)
    for (const one of token === undefined ? [...(younger ?? [])] : [token]) {
      if (younger?.delete(one) === true) this.#count(-1, one)
    }
    const older = this.#of.older.get(this)
    if (token === undefined) older?.clear()
    else older?.delete(token)
  }

  #count(by: 1 | -1, { length }: string): void {
    this.#of.tokens += by
    this.#of.characters += by * length
  }

  #age(now: number): void {
    const ageMs = now - this.#of.bornAt
    if (ageMs >= GENERATION_MS) this.#renew(ageMs >= 2 * GENERATION_MS ? 2 : 1, now)
  }

  #renew(by: 1 | 2, now: number): void {
    const older = by === 1 ? this.#of.younger : new WeakMap()
    Object.assign(this.#of, new Generations(), { older, bornAt: now })
  }
}
