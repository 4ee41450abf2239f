import { isUnavailable } from './outage.ts'
import { orLost, within } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { keepAlive } from '../runtime.ts'
import type { Clock } from '../runtime.ts'
import type { ParsedVerdict, PendingVerdict, Ask } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Call, UnderWay } from './under-way.ts'

/** A check that follows the call of another one. */
interface Follower {
  readonly check: Check
  readonly deadline: number
  /** Its verdict has come, so it must start no call of its own. */
  isAnswered: boolean
}

/**
 * Lets concurrent identical checks share one call. A shared call outlives the request that started it. On Workers it may
 * never end: the promises of a request that ended never settle. So a follower waits for half of its budget, then starts
 * its own call and takes whichever answers first. Later checks share the newest call.
 */
export class SharedCalls {
  readonly #next: Ask
  readonly #timeoutMs: number
  readonly #clock: Pick<Clock, 'now' | 'wallNow'>
  readonly #calls: () => UnderWay<SharedCall>

  /** @param calls Returns those of all guards that decide alike. */
  constructor(
    next: Ask,
    { timeoutMs }: { readonly timeoutMs: number },
    clock: Pick<Clock, 'now' | 'wallNow'>,
    calls: () => UnderWay<SharedCall>,
  ) {
    this.#next = next
    this.#timeoutMs = timeoutMs
    this.#clock = clock
    this.#calls = calls
  }

  /** Shares the newest call for the same question, or starts one. Throws what `next` throws at once. */
  ask(check: Check, deadline: number): Promise<ParsedVerdict> {
    return this.#shareOrStart({ check, deadline, isAnswered: false })
  }

  /** Whether there is a call that a check can share. */
  canJoin({ key }: Check): boolean {
    return this.#calls().newest(key, this)?.canBeJoined(this.#clock) === true
  }

  #shareOrStart(follower: Follower): Promise<ParsedVerdict> {
    const call = this.#calls().newest(follower.check.key, this)
    return call?.canBeJoined(this.#clock) === true
      ? this.#follow(follower, call)
      : this.#start(follower)
  }

  #start({ check, deadline }: Follower): Promise<ParsedVerdict> {
    const pending = Promise.resolve(this.#next(check, deadline))
    const calls = this.#calls()
    const call = new SharedCall(check, deadline, this, (own) => this.#settle(own, calls, pending))
    calls.begin(call, this.#clock.now())
    keepAlive(check.args, call.ended)
    return call.verdict
  }

  async #settle(
    call: SharedCall,
    calls: UnderWay<SharedCall>,
    pending: Promise<ParsedVerdict>,
  ): Promise<ParsedVerdict> {
    try {
      const verdict = await pending
      // Another call for the same question may have been asked before this denial.
      if (verdict.outcome === 'deny') this.#calls().outdateOthers(call.check.key, call)
      return verdict
    } finally {
      calls.end(call)
    }
  }

  async #follow(follower: Follower, call: SharedCall): Promise<ParsedVerdict> {
    const { check, deadline } = follower
    check.waitedSince = this.#clock.now()
    const shared = call.verdictForFollower()
    const budgetMs = deadline - check.waitedSince
    // A call of its own could not end in less than a sixteenth of the time.
    const isShort = budgetMs <= this.#timeoutMs / 8
    const verdict = await within(isShort ? budgetMs : budgetMs / 2, shared)
    if (verdict !== undefined) return this.#take(follower, call, verdict)
    if (follower.isAnswered || deadline - this.#clock.now() < this.#timeoutMs / 100) {
      throw new AuthUnavailableError('timeout')
    }
    return this.#race(follower, call, shared)
  }

  /** Takes whichever answers first, the call that it followed or a newer one, which it starts if there is none. */
  async #race(
    follower: Follower,
    call: SharedCall,
    shared: Promise<ParsedVerdict | undefined>,
  ): Promise<ParsedVerdict> {
    const isNewest = this.#calls().newest(follower.check.key, this) === call
    const own = isNewest ? this.#start(follower) : this.#shareOrStart(follower)
    const takeShared = (verdict: ParsedVerdict | undefined): PendingVerdict =>
      verdict === undefined || verdict.maxAgeMs === 0 ? own : this.#take(follower, call, verdict)
    try {
      return await Promise.race([own, shared.then(takeShared, () => own)])
    } catch (error) {
      if (!isUnavailable(error, 'overloaded')) throw error
      // Its own call found no place, so the other one has all the time that is left.
      return takeShared(
        await within(follower.deadline - this.#clock.now(), shared).catch(() => undefined),
      )
    }
  }

  #take(follower: Follower, call: SharedCall, verdict: ParsedVerdict): PendingVerdict {
    const { check, deadline } = follower
    // The endpoint forbids sharing, so each check asks for itself.
    if (verdict.maxAgeMs === 0) return this.#askAlone(check, deadline)
    follower.isAnswered = true
    check.cache = 'shared'
    check.endpointStatus = call.check.endpointStatus
    check.verifier = call.check.verifier
    return verdict
  }

  async #askAlone(check: Check, deadline: number): Promise<ParsedVerdict> {
    const verdict = await this.#next(check, deadline)
    // A shared call that was asked before this denial may still bring an allow.
    if (verdict.outcome === 'deny') this.#calls().outdateOthers(check.key)
    return verdict
  }
}

/** One call to the endpoint that several checks may share. */
export class SharedCall implements Call {
  readonly check: Check
  readonly deadline: number
  readonly by: object
  readonly verdict: Promise<ParsedVerdict>
  /** Rejects only where the runtime has given up the request that started the call. */
  readonly ended: Promise<[PromiseSettledResult<ParsedVerdict>]>
  isOutdated = false

  constructor(
    check: Check,
    deadline: number,
    by: object,
    settle: (call: SharedCall) => Promise<ParsedVerdict>,
  ) {
    this.check = check
    this.deadline = deadline
    this.by = by
    this.verdict = settle(this)
    this.ended = Promise.allSettled([this.verdict])
  }

  canBeJoined(clock: Pick<Clock, 'now' | 'wallNow'>): boolean {
    const now = clock.now()
    if (this.isOutdated || this.deadline <= now) return false
    // A request that comes after a revocation must not take what was asked before it.
    return this.check.stamp?.isGood(now, clock.wallNow()) !== false
  }

  /** The verdict, or `undefined` if a follower must ask for itself: the call is lost, outdated, or ran out of its own time. */
  async verdictForFollower(): Promise<ParsedVerdict | undefined> {
    const [result] = (await orLost(this.ended)) ?? []
    if (result === undefined || this.isOutdated) return undefined
    if (result.status === 'fulfilled') return result.value
    if (isUnavailable(result.reason, 'timeout')) return undefined
    throw result.reason
  }
}
