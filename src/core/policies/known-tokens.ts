import { isForbidden } from '../endpoint/verdict.ts'
import { copyOf } from '../runtime.ts'
import type { RecentOutage } from './outage.ts'
import type { Ask, ParsedVerdict, PendingVerdict } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

const GENERATION_MS = 1_800_000
const MAX_TOKENS = 16_384
const MAX_CHARACTERS = 8_000_000

/** Counts what is remembered, over all guards of a cache. A generation ends when it is half an hour old, or full. */
export class Generations {
  readonly #now: Clock['now']
  #current = 0
  #bornAt: number
  #tokens = 0
  #characters = 0

  constructor({ now }: Pick<Clock, 'now'>) {
    this.#now = now
    this.#bornAt = now()
  }

  /** The number of the current generation. */
  current(): number {
    const ageMs = this.#now() - this.#bornAt
    if (ageMs >= GENERATION_MS) this.#renew(ageMs >= 2 * GENERATION_MS ? 2 : 1)
    return this.#current
  }

  /** Makes room for a token, in a new generation if the current one is full. */
  count({ length }: string): void {
    if (this.#tokens >= MAX_TOKENS || this.#characters + length > MAX_CHARACTERS) this.#renew(1)
    this.#tokens += 1
    this.#characters += length
  }

  #renew(by: number): void {
    this.#current += by
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
  #generation: number
  #younger = new Set<string>()
  #older = new Set<string>()

  constructor(generations: Generations) {
    this.#generations = generations
    this.#generation = generations.current()
  }

  has(token: string): boolean {
    this.#age()
    return this.#younger.has(token) || this.#older.has(token)
  }

  add(token: string): void {
    this.#age()
    if (this.#younger.has(token)) return
    this.#generations.count(token)
    this.#age()
    this.#younger.add(copyOf(token))
  }

  /** Forgets a token, or all tokens. */
  forget(token?: string): void {
    for (const generation of [this.#younger, this.#older]) {
      if (token === undefined) generation.clear()
      else generation.delete(token)
    }
  }

  isEmpty(): boolean {
    this.#age()
    return this.#younger.size + this.#older.size === 0
  }

  #age(): void {
    const current = this.#generations.current()
    const ended = current - this.#generation
    if (ended === 0) return
    this.#generation = current
    this.#older = ended === 1 ? this.#younger : new Set()
    this.#younger = new Set()
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
