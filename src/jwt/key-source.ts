import { findCause } from '../core/endpoint/failure-cause.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import { shownReason } from '../core/response/shown-facts.ts'
import { Tries } from '../verifiers/tries.ts'
import { KEY_NOT_SEARCHED, SearchBudget, WaitingRoom } from './search-limits.ts'
import type { FoundKey, KeySet } from './key-set.ts'
import type { KeysFetch } from './keys-fetch.ts'
import type { Moment, Outcome, TriesClock, Try } from '../verifiers/tries.ts'
import type { TokenHeader } from './token-header.ts'
import type { VerifierRun } from '../core/verifier.ts'

export interface KeySourceOptions {
  readonly fetchKeys: KeysFetch
  /** Where the keys come from, for warnings. */
  readonly origin: string
  readonly maxAgeMs: number
  /** How much longer keys are used while none can be fetched. */
  readonly maxStaleMs: number
  /** The time of one try. */
  readonly timeoutMs: number
}

/** From this part of their age on, keys are fetched again while they serve. */
const REFRESH_AT = 0.8

/**
 * The keys of an issuer, which are fetched when they are needed. Tokens that name unknown keys cause five fetches at once, and
 * then one each six seconds. At most 256 requests wait. Good keys are replaced by good keys only. While none can be fetched, old
 * keys serve for a bounded time.
 */
export class KeySource {
  readonly #options: KeySourceOptions
  readonly #clock: TriesClock
  readonly #tries: Tries<KeySet>
  readonly #budget: SearchBudget
  readonly #room: WaitingRoom
  #keys: KeySet | undefined
  #askedAt: Moment = { number: 0, now: -Infinity, wall: -Infinity }
  #hasWarned = false

  constructor(options: KeySourceOptions, clock: TriesClock) {
    this.#options = options
    this.#clock = clock
    this.#budget = new SearchBudget(() => clock.now())
    this.#room = new WaitingRoom(() => clock.now(), options.timeoutMs)
    this.#tries = new Tries(
      {
        attempt: options.fetchKeys,
        timeoutMs: options.timeoutMs,
        onGood: (keys, askedAt, run) => this.#take(keys, askedAt, run),
        onFailure: (error, run) => this.#report(error, run),
      },
      clock,
    )
  }

  /** The key for a token. Throws `AuthUnavailableError` if it cannot be known whether there is one. */
  find(header: TokenHeader, signal: AbortSignal, run: VerifierRun): CryptoKey | Promise<FoundKey> {
    return this.#fresh(run)?.imported(header) ?? this.#search(header, signal, run)
  }

  async #search(header: TokenHeader, signal: AbortSignal, run: VerifierRun): Promise<FoundKey> {
    const begun = this.#tries.count
    const keys = this.#fresh(run) ?? (await this.#renew(signal, run))
    const found = await keys.find(header)
    return found === 'unknown' ? this.#searchNewer(header, begun, signal, run) : found
  }

  /** A key among those of a try that began after the token came: an earlier one may have missed it. */
  async #searchNewer(
    header: TokenHeader,
    begun: number,
    signal: AbortSignal,
    run: VerifierRun,
  ): Promise<FoundKey> {
    while (this.#askedAt.number <= begun) {
      const pending = this.#tries.underWay() ?? this.#startSearch(run)
      if (!this.#room.hasRoom()) throw KEY_NOT_SEARCHED
      const outcome = await this.#room.wait(this.#tries.waitFor(pending, 1), signal)
      if (!isGood(outcome)) throw unknownIn(outcome)
      const found = await outcome.find(header)
      if (found !== 'unknown') return found
    }
    return 'unknown'
  }

  #startSearch(run: VerifierRun): Try<KeySet> {
    const { isPaused, lastError } = this.#tries
    const started = !isPaused && this.#budget.take() ? this.#tries.start(run) : undefined
    if (started !== undefined) return started
    throw lastError === undefined ? KEY_NOT_SEARCHED : unknownIn(lastError)
  }

  /** The keys, if they are young enough to be used without asking. */
  #fresh(run: VerifierRun): KeySet | undefined {
    const age = this.#ageMs()
    const { maxAgeMs } = this.#options
    if (age >= maxAgeMs) return undefined
    if (age >= REFRESH_AT * maxAgeMs && this.#tries.underWay() === undefined) this.#tries.start(run)
    return this.#keys
  }

  /** Keys in place of none or old ones. */
  async #renew(signal: AbortSignal, run: VerifierRun): Promise<KeySet> {
    const old = this.#stale()
    if (old === undefined) return this.#fetchFirst(signal, run)
    if (!this.#room.hasRoom()) return old
    // In a known outage a request takes the old keys at once.
    const { isOutage } = this.#tries
    const pending = this.#tries.underWay() ?? this.#tries.start(run)
    const outcome =
      pending === undefined || isOutage
        ? this.#tries.lastError
        : await this.#room.wait(this.#tries.waitFor(pending, 0.5), signal)
    if (isGood(outcome)) return outcome
    const stale = this.#stale()
    if (stale === undefined) throw outcome ?? new AuthUnavailableError('timeout')
    this.#warnOfStale(outcome, run)
    return stale
  }

  async #fetchFirst(signal: AbortSignal, run: VerifierRun): Promise<KeySet> {
    const first = this.#tries.underWay()
    if (first === undefined) {
      return this.#orThrow(await this.#room.wait(this.#start(run).ended, signal))
    }
    const outcome = await this.#room.wait(this.#tries.waitFor(first, 0.5), signal)
    if (outcome !== undefined) return this.#orThrow(outcome)
    // The first try may be lost. So this request takes whichever ends first, that one or a newer one.
    const newest = this.#tries.underWay()
    const own = newest === undefined || newest === first ? this.#start(run) : newest
    const orOwn = (one: Outcome<KeySet>): Outcome<KeySet> | Promise<Outcome<KeySet>> =>
      isGood(one) ? one : own.ended
    const earlier = first.ended.then(orOwn, () => own.ended)
    return this.#orThrow(await this.#room.wait(Promise.race([own.ended, earlier]), signal))
  }

  /** The keys after a try. Another request may have fetched some in the meantime. */
  #orThrow(outcome: Outcome<KeySet>): KeySet {
    const keys = isGood(outcome) ? this.#keys : this.#stale()
    if (keys === undefined) throw outcome
    return keys
  }

  /** Throws the last error while it is too early for a try. */
  #start(run: VerifierRun): Try<KeySet> {
    const started = this.#tries.start(run)
    if (started === undefined)
      throw this.#tries.lastError ?? new AuthUnavailableError('unreachable')
    return started
  }

  #take(keys: KeySet, askedAt: Moment, run: VerifierRun): void {
    this.#keys = keys
    this.#askedAt = askedAt
    this.#hasWarned = false
    run.report?.({ type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' })
  }

  #report(error: AuthUnavailableError, run: VerifierRun): void {
    const { reason, explanation } = error
    // That of a function of the user may be of any length.
    const said = typeof explanation === 'string' ? shownReason(explanation, []) : undefined
    const found = findCause(error) ?? said
    const cause = found === undefined ? {} : { cause: found }
    const age = this.#keys === undefined ? {} : { ageMs: this.#ageMs() }
    run.report?.({ type: 'keys', result: 'failed', reason, ...cause, ...age, verifier: 'jwt' })
  }

  /** How old the keys are by the clock that says more: one may stand still, and the other may be set. */
  #ageMs(): number {
    const { now, wall } = this.#askedAt
    return Math.max(this.#clock.now() - now, this.#clock.wallNow() - wall)
  }

  /** The keys, unless they are too old to be used at all. */
  #stale(): KeySet | undefined {
    const { maxAgeMs, maxStaleMs } = this.#options
    return this.#ageMs() < maxAgeMs + maxStaleMs ? this.#keys : undefined
  }

  #warnOfStale(error: AuthUnavailableError | undefined, { warn }: VerifierRun): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const { origin, maxAgeMs, maxStaleMs } = this.#options
    const why = error?.status === undefined ? '' : ` ${error.status}`
    const age = this.#ageMs()
    const [old, left] = [age, maxAgeMs + maxStaleMs - age].map((ms) => Math.ceil(ms / 60_000))
    warn?.(
      `Keys of ${origin} cannot be fetched (${error?.reason ?? 'timeout'}${why}): ` +
        `using keys that are ${old} min old, for at most ${left} min`,
    )
  }
}

function isGood(outcome: Outcome<KeySet> | undefined): outcome is KeySet {
  return outcome !== undefined && !(outcome instanceof AuthUnavailableError)
}

/** The key is not among those that are known, and others could not be fetched. */
function unknownIn(failure: AuthUnavailableError | undefined): AuthUnavailableError {
  const reason = failure === undefined ? 'timeout' : 'unreachable'
  const { cause, explanation } = failure ?? {}
  return new AuthUnavailableError(reason, { cause, explanation, detail: 'unknown_key' })
}
