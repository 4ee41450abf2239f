import { SlidingWindow } from '../failures/sliding-window.ts'
import type { ParsedVerdict } from '../../endpoint/verdict.ts'

// More denials of unknown tokens are a flood. Its calls would take the processor from cached decisions.
const MOST_DENIALS_PER_SECOND = 400
// A flood leaves so much to unknown tokens, and at least four places.
const NARROWEST_PART = 1 / 16
const NARROWEST = 4
// As soon as any token is known. Otherwise unknown tokens could hold all slots of a slow endpoint.
const RESERVED_PART = 1 / 4
// So slowly that the flood does not come back at once.
const WIDENED_BY_DENIAL = 1 / 16

/**
 * How many calls of unknown tokens may run. While more than 400 of them are denied in a second, each verdict takes a slot from their
 * lane, down to a sixteenth of all and to four. Later each allow gives one back, and so do sixteen denials.
 */
export class Flood {
  readonly #denials = new SlidingWindow(1000)
  readonly #isAnyKnown: (now: number) => boolean
  readonly #widest: number
  readonly #narrowest: number
  #width: number

  /** @param isAnyKnown Whether a token is known, which the flood could crowd out. */
  constructor(maxInFlight: number, isAnyKnown: (now: number) => boolean) {
    this.#isAnyKnown = isAnyKnown
    this.#widest = maxInFlight - Math.floor(maxInFlight * RESERVED_PART)
    const narrowest = Math.max(NARROWEST, Math.floor(maxInFlight * NARROWEST_PART))
    this.#narrowest = Math.min(this.#widest, narrowest)
    this.#width = this.#widest
  }

  /** Whether so many calls may run. Without a known token no caller needs protection. */
  permits(calls: number, now: number): boolean {
    return calls <= this.#width || !this.#isAnyKnown(now)
  }

  learn({ outcome }: ParsedVerdict, now: number): void {
    if (outcome === 'deny') this.#denials.add(now)
    const isFlood = this.#denials.total(now) > MOST_DENIALS_PER_SECOND && this.#isAnyKnown(now)
    const calm = outcome === 'allow' ? 1 : WIDENED_BY_DENIAL
    const width = this.#width + (isFlood ? -1 : calm)
    this.#width = Math.min(this.#widest, Math.max(this.#narrowest, width))
  }
}
