import { isForbidden } from '../endpoint/verdict.ts'
import { copyOf } from '../runtime.ts'
import type { RecentOutage } from './outage.ts'
import type { Ask, ParsedVerdict, PendingVerdict } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

const GENERATION_MS = 1_800_000
const MAX_TOKENS = 16_384
const MAX_CHARACTERS = 8_000_000

/** The tokens of each owner. They go with the generation, even if their owner is no longer used. */
type Generation = WeakMap<object, Set<string>>

/** Bounds what is remembered, over all guards of a cache. A generation ends when it is half an hour old, or full. */
export class Generations {
  readonly #now: Clock['now']
  #younger: Generation = new WeakMap()
  #older: Generation = new WeakMap()
  #bornAt: number
  #tokens = 0
  #characters = 0

  constructor({ now }: Pick<Clock, 'now'>) {
    this.#now = now
    this.#bornAt = now()
  }

  has(owner: object, token: string): boolean {
    this.#age()
    return (
      this.#younger.get(owner)?.has(token) === true || this.#older.get(owner)?.has(token) === true
    )
  }

  isEmpty(owner: object): boolean {
    this.#age()
    return (this.#younger.get(owner)?.size ?? 0) + (this.#older.get(owner)?.size ?? 0) === 0
  }

  add(owner: object, token: string): void {
    this.#age()
    if (this.#younger.get(owner)?.has(token) === true) return
    const { length } = token
    if (this.#tokens >= MAX_TOKENS || this.#characters + length > MAX_CHARACTERS) this.#renew(1)
    this.#tokens += 1
    this.#characters += length
    const known = this.#younger.get(owner)
    if (known === undefined) this.#younger.set(owner, new Set([copyOf(token)]))
    else known.add(copyOf(token))
  }

  /** Forgets a token, or all tokens, of an owner. They no longer count. */
  forget(owner: object, token?: string): void {
    this.#age()
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

  #age(): void {
    const ageMs = this.#now() - this.#bornAt
    if (ageMs >= GENERATION_MS) this.#renew(ageMs >= 2 * GENERATION_MS ? 2 : 1)
  }

  #renew(by: 1 | 2): void {
    this.#older = by === 1 ? this.#younger : new WeakMap()
    this.#younger = new WeakMap()
    this.#bornAt = this.#now()
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

  has(token: string): boolean {
    return this.#generations.has(this, token)
  }

  add(token: string): void {
    this.#generations.add(this, token)
  }

  /** Forgets a token, or all tokens. */
  forget(token?: string): void {
    this.#generations.forget(this, token)
  }

  isEmpty(): boolean {
    return this.#generations.isEmpty(this)
  }
}

/** Marks the checks of known tokens before the endpoint is asked, and learns from what it answers. */
export function recognise(next: Ask, readTokens: () => KnownTokens, outage: RecentOutage): Ask {
  const learn = async (check: Check, pending: PendingVerdict): Promise<ParsedVerdict> => {
    try {
      const verdict = await pending
      outage.noteAnswer()
      if (verdict.outcome === 'allow') readTokens().add(check.token)
      else if (!isForbidden(verdict, check)) readTokens().forget(check.token)
      return verdict
    } catch (error) {
      if (outage.isShownBy(error, check)) outage.noteFailure(error)
      throw error
    }
  }
  return (check, deadline) => {
    check.isKnown = readTokens().has(check.token)
    return learn(check, next(check, deadline))
  }
}
