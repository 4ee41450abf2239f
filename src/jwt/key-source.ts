import { AuthUnavailableError } from '../core/errors.ts'
import { findErrorCode, shownReason } from '../core/redaction.ts'
import { Tries } from '../verifiers/tries.ts'
import { KEY_NOT_SEARCHED, KeyLimits } from './key-limits.ts'
import type { FoundKey, KeySet } from './key-set.ts'
import type { KeysFetch } from './keys-fetch.ts'
import type { ParsedOptions } from './options.ts'
import type { Moment, Outcome, TriesClock, Try } from '../verifiers/tries.ts'
import type { TokenHeader } from './token-header.ts'
import type { VerifierRun } from '../core/verifier.ts'

type KeyTimes = Pick<ParsedOptions, 'keysMaxAgeMs' | 'keysMaxStaleMs' | 'timeoutMs'>

/** From this part of their age on, keys are fetched again while they serve. */
const REFRESH_AT = 0.8

/**
 * The keys of an issuer, which are fetched when they are needed. Tokens that name unknown keys cause five fetches at once, and
 * then one each six seconds. At most 256 requests wait. Good keys are replaced by good keys only. While none can be fetched, old
 * keys serve for a bounded time.
 */
export class KeySource {
  readonly #origin: string
  readonly #times: KeyTimes
  readonly #clock: TriesClock
  readonly #tries: Tries<KeySet>
  readonly #limits: KeyLimits
  #keys: KeySet | undefined
  #askedAt: Moment = { number: 0, now: -Infinity, wall: -Infinity }
  #hasWarned = false

  /** @param origin Where the keys come from, for warnings. */
  constructor(attempt: KeysFetch, origin: string, times: KeyTimes, clock: TriesClock) {
    this.#origin = origin
    this.#times = times
    this.#clock = clock
    const { timeoutMs } = times
    this.#limits = new KeyLimits(() => clock.now(), timeoutMs)
    const onGood = this.#take.bind(this)
    const onFailure = this.#report.bind(this)
    this.#tries = new Tries({ attempt, timeoutMs, onGood, onFailure }, clock)
  }

  /** The key for a token. Throws `AuthUnavailableError` if it cannot be known whether there is one. */
  find(header: TokenHeader, signal: AbortSignal, run: VerifierRun): CryptoKey | Promise<FoundKey> {
    return this.#fresh(run)?.imported(header) ?? this.#search(header, signal, run)
  }

  /** Looks on in newer keys, as long as those at hand may have been asked for before the token came. */
  async #search(header: TokenHeader, signal: AbortSignal, run: VerifierRun): Promise<FoundKey> {
    const begun = this.#tries.count
    let keys = this.#fresh(run) ?? (await this.#renew(signal, run))
    for (;;) {
      const found = await keys.find(header)
      if (found !== 'unknown' || this.#askedAt.number > begun) return found
      keys = await this.#fetchNewer(signal, run)
    }
  }

  async #fetchNewer(signal: AbortSignal, run: VerifierRun): Promise<KeySet> {
    const { lastError, isPaused } = this.#tries
    const start = (): Try<KeySet> | undefined =>
      !isPaused && this.#limits.takeFetch() ? this.#tries.start(run) : undefined
    const pending = this.#tries.underWay() ?? start()
    if (pending === undefined && lastError !== undefined) throw unknownIn(lastError)
    if (pending === undefined || !this.#limits.hasRoom()) throw KEY_NOT_SEARCHED
    const outcome = await this.#limits.wait(this.#tries.waitFor(pending, 1), signal)
    if (isGood(outcome)) return outcome
    throw unknownIn(outcome)
  }

  /** The keys, if they are young enough to be used without asking. */
  #fresh(run: VerifierRun): KeySet | undefined {
    const age = this.#ageMs()
    const { keysMaxAgeMs: maxAgeMs } = this.#times
    if (age >= maxAgeMs) return undefined
    if (age >= REFRESH_AT * maxAgeMs && this.#tries.underWay() === undefined) this.#tries.start(run)
    return this.#keys
  }

  /** Keys in place of none or old ones. */
  async #renew(signal: AbortSignal, run: VerifierRun): Promise<KeySet> {
    const old = this.#stale()
    if (old === undefined) return this.#fetchFirst(signal, run)
    if (!this.#limits.hasRoom()) return old
    // In a known outage a request takes the old keys at once.
    const { isOutage } = this.#tries
    const pending = this.#tries.underWay() ?? this.#tries.start(run)
    const outcome =
      pending === undefined || isOutage
        ? this.#tries.lastError
        : await this.#limits.wait(this.#tries.waitFor(pending, 0.5), signal)
    if (isGood(outcome)) return outcome
    const stale = this.#stale()
    if (stale === undefined) throw outcome ?? new AuthUnavailableError('timeout')
    this.#warnOfStale(outcome, run)
    return stale
  }

  async #fetchFirst(signal: AbortSignal, run: VerifierRun): Promise<KeySet> {
    const first = this.#tries.underWay()
    const early = first && (await this.#limits.wait(this.#tries.waitFor(first, 0.5), signal))
    // Another request may have fetched some in the meantime.
    const outcome =
      early ?? this.#stale() ?? (await this.#limits.wait(this.#afterFirst(first, run), signal))
    const keys = isGood(outcome) ? this.#keys : this.#stale()
    if (keys === undefined) throw outcome
    return keys
  }

  /** The end of a newer try than the first, which may be lost, or that of the first if it comes earlier, and is good. */
  #afterFirst(first: Try<KeySet> | undefined, run: VerifierRun): Promise<Outcome<KeySet>> {
    const newest = this.#tries.underWay()
    const own = newest === undefined || newest === first ? this.#tries.start(run) : newest
    // It is too early for a try.
    if (own === undefined) throw this.#tries.lastError ?? new AuthUnavailableError('unreachable')
    const orOwn = (one: Outcome<KeySet>): Outcome<KeySet> | Promise<Outcome<KeySet>> =>
      isGood(one) ? one : own.ended
    return first === undefined
      ? own.ended
      : Promise.race([own.ended, first.ended.then(orOwn, () => own.ended)])
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
    const found = findErrorCode(error) ?? said
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
    return this.#leftMs() > 0 ? this.#keys : undefined
  }

  #leftMs(): number {
    return this.#times.keysMaxAgeMs + this.#times.keysMaxStaleMs - this.#ageMs()
  }

  #warnOfStale(error: AuthUnavailableError | undefined, { warn }: VerifierRun): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const origin = this.#origin
    const why = error?.status === undefined ? '' : ` ${error.status}`
    const [old, left] = [this.#ageMs(), this.#leftMs()].map((ms) => Math.ceil(ms / 60_000))
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
