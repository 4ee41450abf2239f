import { isForbidden } from '../endpoint/verdict.ts'
import { drawKey, hashText } from './keyed-hash.ts'
import type { Hash } from './keyed-hash.ts'
import type { RecentOutage } from './outage.ts'
import type { Ask, ParsedVerdict, PendingVerdict } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

const GENERATION_MS = 1_800_000
const MAX_PER_GENERATION = 32_768

/**
 * The tokens that the endpoint allowed lately: at most 65,536, each for 30 to 60 minutes after its last allow. Holds only a
 * keyed hash of each token, its mark. When the younger of two generations is half an hour old, or full, it becomes the older
 * one, and the older one is dropped.
 */
export class KnownTokens {
  readonly #now: Clock['now']
  // The second half of each mark, by the first.
  #younger = new Map<number, number>()
  #older = new Map<number, number>()
  #bornAt: number
  #key: Hash | undefined

  constructor({ now }: Pick<Clock, 'now'>) {
    this.#now = now
    this.#bornAt = now()
  }

  markOf(token: string): Hash {
    // Workers can draw a key only during a request.
    this.#key ??= drawKey()
    return hashText(token, this.#key)
  }

  has([first, second]: Hash): boolean {
    this.#age()
    return this.#younger.get(first) === second || this.#older.get(first) === second
  }

  add(mark: Hash): void {
    this.#age()
    if (this.#younger.size >= MAX_PER_GENERATION) this.#renew()
    this.#younger.set(...mark)
  }

  /** Forgets a mark, or all marks. */
  forget(mark?: Hash): void {
    for (const generation of [this.#younger, this.#older]) {
      if (mark === undefined) generation.clear()
      else generation.delete(mark[0])
    }
  }

  isEmpty(): boolean {
    this.#age()
    return this.#younger.size + this.#older.size === 0
  }

  #age(): void {
    const ageMs = this.#now() - this.#bornAt
    if (ageMs >= 2 * GENERATION_MS) this.#younger = new Map()
    if (ageMs >= GENERATION_MS) this.#renew()
  }

  #renew(): void {
    this.#older = this.#younger
    this.#younger = new Map()
    this.#bornAt = this.#now()
  }
}

/** Marks the checks of known tokens before the endpoint is asked, and learns from what it answers. */
export function recognise(next: Ask, tokens: KnownTokens, outage: RecentOutage): Ask {
  const learn = async (
    check: Check,
    mark: Hash,
    pending: PendingVerdict,
  ): Promise<ParsedVerdict> => {
    try {
      const verdict = await pending
      outage.noteAnswer()
      if (verdict.outcome === 'allow') tokens.add(mark)
      else if (!isForbidden(verdict, check)) tokens.forget(mark)
      return verdict
    } catch (error) {
      if (outage.isShownBy(error, check)) outage.noteFailure(error)
      throw error
    }
  }
  return (check, deadline) => {
    const mark = tokens.markOf(check.token)
    check.isKnown = tokens.has(mark)
    return learn(check, mark, next(check, deadline))
  }
}
