import { PendingCall } from './under-way.ts'
import { isUnavailable } from './outage.ts'
import { verdictOf } from './partition.ts'
import { orLost, within } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { keepAlive } from '../runtime.ts'
import type { CallStart } from './call-state.ts'
import type { AskingMemory, Partition } from './partition.ts'
import type { UnderWay } from './under-way.ts'
import type { ParsedVerdict } from '../endpoint/verdict.ts'
import type { Check, CheckFacts } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

type PendingVerdict = ParsedVerdict | Promise<ParsedVerdict>

/** A check that wants a verdict. */
interface PendingCheck {
  readonly check: Check
  readonly facts: CheckFacts
  readonly deadline: number
  /** When it began to wait for the call of another check. */
  waitedSince: number | undefined
  /** Its verdict has come, so it must start no call of its own. */
  isAnswered: boolean
}

interface SharedCallsOptions {
  readonly run: (start: CallStart) => Promise<ParsedVerdict>
  readonly timeoutMs: number
  readonly clock: Pick<Clock, 'now' | 'wallNow'>
  readonly memory: AskingMemory
  /** The same memory, if decisions are cached. */
  readonly partition: Partition | undefined
}

/**
 * Lets concurrent identical checks share one call. A shared call outlives the request that started it. On Workers it may
 * never end: the promises of a request that ended never settle. So a follower waits for half of its budget, then starts
 * its own call and takes whichever answers first. Later checks share the newest call.
 */
export class SharedCalls {
  readonly #options: SharedCallsOptions

  constructor(options: SharedCallsOptions) {
    this.#options = options
  }

  /** Shares the newest call for the same question, or starts one. */
  ask(check: Check, facts: CheckFacts, now: number): Promise<ParsedVerdict> {
    const deadline = now + this.#options.timeoutMs
    const pending = { check, facts, deadline, waitedSince: undefined, isAnswered: false }
    return this.#joinOrStart(pending, now)
  }

  /** Whether there is a call that a check can share. */
  canJoin({ key }: Check, now: number): boolean {
    return this.#joinable(key, now) !== undefined
  }

  #joinable(key: string, now: number): PendingCall | undefined {
    const { memory, clock } = this.#options
    const call = memory.calls.newest(key, this)
    return call?.canBeJoined(now, clock) === true ? call : undefined
  }

  #joinOrStart(pending: PendingCheck, now: number): Promise<ParsedVerdict> {
    const call = this.#joinable(pending.check.key, now)
    return call === undefined ? this.#start(pending, now) : this.#follow(pending, call, now)
  }

  #start(pending: PendingCheck, now: number, isShared = true): Promise<ParsedVerdict> {
    const { check, facts, deadline, waitedSince } = pending
    const { clock, memory, partition } = this.#options
    const wallNow = clock.wallNow()
    const stamp = partition?.stamp(check.token, now, wallNow)
    const call = new PendingCall(
      { check, facts, deadline, now, waitedSince },
      this,
      isShared,
      wallNow,
      stamp,
    )
    const { calls } = memory
    calls.begin(call)
    const verdict = this.#decide(call, calls)
    call.verdict = verdict
    keepAlive(check.args, () => orLost(verdict))
    return verdict
  }

  /** One call, from the last look at the cache to what others learn from its end. */
  async #decide(call: PendingCall, calls: UnderWay): Promise<ParsedVerdict> {
    const { run, partition } = this.#options
    const share = partition?.share
    try {
      const recalled = this.#lookUpAgain(call)
      const verdict =
        recalled ?? this.#learn(call, calls, await (share?.(call.start, run) ?? run(call.start)))
      call.result = { verdict }
      return verdict
    } catch (error) {
      call.result = { error }
      throw error
    } finally {
      calls.end(call)
    }
  }

  // The check may have waited for another call, which has stored its decision.
  #lookUpAgain({ start: { check, facts } }: PendingCall): ParsedVerdict | undefined {
    const decision = this.#options.partition?.lookUp(check.token, check.told)
    if (decision === undefined) return undefined
    facts.cache = 'hit'
    facts.verifier = decision.verifier
    return verdictOf(decision)
  }

  #learn(call: PendingCall, calls: UnderWay, verdict: ParsedVerdict): ParsedVerdict {
    const { memory, partition } = this.#options
    // Another call may have been asked before this denial. A retry asks later than its call began, so the order of two calls is not
    // known: if one of them is denied, neither is stored.
    const isContested = verdict.outcome === 'deny' && memory.calls.outdateOthers(call)
    if (partition === undefined) return verdict
    const { facts } = call.start
    facts.skipped = partition.store(call, verdict, isContested)
    if (facts.skipped !== undefined) facts.cache = 'skipped'
    calls.supersedeOlder(call)
    return verdict
  }

  async #follow(pending: PendingCheck, call: PendingCall, now: number): Promise<ParsedVerdict> {
    const { deadline } = pending
    const { clock, timeoutMs } = this.#options
    pending.waitedSince = now
    const shared = call.verdictForFollower()
    const budgetMs = deadline - now
    // A call of its own could not end in less than a sixteenth of the time.
    const isShort = budgetMs <= timeoutMs / 8
    const verdict = await within(isShort ? budgetMs : budgetMs / 2, shared)
    if (verdict !== undefined) return this.#take(pending, call, verdict)
    const later = clock.now()
    if (pending.isAnswered || deadline - later < timeoutMs / 100) {
      throw new AuthUnavailableError('timeout')
    }
    return this.#race(pending, call, shared, later)
  }

  /** Takes whichever answers first, the call that it followed or a newer one, which it starts if there is none. */
  async #race(
    pending: PendingCheck,
    call: PendingCall,
    shared: Promise<ParsedVerdict | undefined>,
    now: number,
  ): Promise<ParsedVerdict> {
    const { clock, memory } = this.#options
    const isNewest = memory.calls.newest(pending.check.key, this) === call
    const own = isNewest ? this.#start(pending, now) : this.#joinOrStart(pending, now)
    const takeShared = (verdict: ParsedVerdict | undefined): PendingVerdict =>
      verdict === undefined || verdict.maxAgeMs === 0 ? own : this.#take(pending, call, verdict)
    try {
      return await Promise.race([own, shared.then(takeShared, () => own)])
    } catch (error) {
      if (!isUnavailable(error, 'overloaded')) throw error
      // Its own call found no place, so the other one has all the time that is left.
      const leftMs = pending.deadline - clock.now()
      return takeShared(await within(leftMs, shared).catch(() => undefined))
    }
  }

  #take(pending: PendingCheck, call: PendingCall, verdict: ParsedVerdict): PendingVerdict {
    // The endpoint forbids sharing, so each check asks for itself.
    if (verdict.maxAgeMs === 0) return this.#start(pending, this.#options.clock.now(), false)
    pending.isAnswered = true
    const { facts } = pending
    facts.cache = 'shared'
    facts.endpointStatus = call.start.facts.endpointStatus
    facts.verifier = call.start.facts.verifier
    return verdict
  }
}
