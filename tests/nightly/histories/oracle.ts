import type { Asker, Asking, Call, Log, Moment, Rules } from './log.ts'

type Ended<Thing extends { ended?: Moment }> = Thing & Required<Pick<Thing, 'ended'>>

/** A circuit opens when half of the checks of ten seconds fail, of at least ten. */
const FAILURES_TO_OPEN = 5
const WINDOW_MS = 10_000
/** Jitter leaves at least this part of a time to live. */
const LEAST_PART = 0.9
const GATEWAY_ERRORS: ReadonlySet<unknown> = new Set([502, 503, 504])

/**
 * The faults of a history, or an empty list. It shares no code with `src`. For each request it searches the log for the
 * answer that explains the decision.
 */
export function findFaults(log: Log): string[] {
  const faults = log.askings.map((asking, index) => {
    const fault = findFault(asking, log)
    return fault === undefined ? [] : [`request ${index}: ${fault}`]
  })
  return [...faults.flat(), ...findCallFaults(log), ...findReportFaults(log)]
}

function findFault(asking: Asking, log: Log): string | undefined {
  if (asking.short === 'otherwise') return 'was recalled otherwise than it was decided'
  if (!hasEnded(asking)) return 'got no answer'
  if (waited(asking) > log.rules.timeoutMs) return `waited for ${waited(asking)} ms`
  if (asking.auth !== undefined) return findWrongAllow(asking, log)
  return isExplained(asking, log) ? undefined : `wrongly refused as ${asking.reason}`
}

// ---- no wrong allow

function findWrongAllow(asking: Ended<Asking>, log: Log): string | undefined {
  const { auth } = asking
  const call = log.calls[Number(auth?.attributes['call']?.[0])]
  if (call === undefined || auth?.principal !== call.principal)
    return 'allowed with an identity that no call returned'
  const name = `allowed by call ${call.id}, `
  if (call.told !== asking.told) return `${name}which asked something else`
  if (!isOneMemory(call, asking, log)) return `${name}which another guard had asked`
  if (!hasAnswered(call) || call.answer.status !== 200 || isAfter(call.ended, asking.ended)) {
    return `${name}which had not said 200`
  }
  if (auth.stale === true) return named(name, findWrongStale(asking, call, log))
  if (isAfter(call.asked, asking.started)) return undefined
  if (isUnsharable(call)) return `${name}which must not be shared`
  // A follower of a shared call gets its verdict, unless a newer one arrived first.
  if (isAfter(call.ended, asking.started)) {
    return named(name, findRevocation(call, call.ended, log))
  }
  if (!isYounger(call, asking.ended, log, 0)) return `${name}which is too old`
  return named(name, findRevocation(call, asking.ended, log))
}

function named(name: string, fault: string | undefined): string | undefined {
  return fault === undefined ? undefined : name + fault
}

function findWrongStale(asking: Ended<Asking>, call: Ended<Call>, log: Log): string | undefined {
  const { cache } = log.rules
  if (cache === false || cache.staleIfErrorMs === 0) return 'stale without permission'
  if (isUnsharable(call)) return 'stale though it must not be kept'
  if (call.answer.cacheControl === 'must-revalidate') return 'stale against must-revalidate'
  if (!isYounger(call, asking.ended, log, cache.staleIfErrorMs)) return 'stale for too long'
  if (isCertainlyFresh(call, asking, log)) return 'called stale though it is fresh'
  if (!wasWithoutAnswer(asking, log)) return 'stale though the endpoint answered'
  return findRevocation(call, asking.ended, log)
}

/** A known revocation of the token between a call and a moment. */
function findRevocation(call: Call, until: Moment, log: Log): string | undefined {
  if (isForgotten(call, until, log)) return 'which was invalidated'
  const denial = log.calls.find(
    (other) =>
      isDenial(other) &&
      other.told === call.told &&
      isOneMemory(other, call, log) &&
      isAfter(other.asked, call.asked) &&
      isAfter(until, other.ended),
  )
  return denial === undefined ? undefined : `which call ${denial.id} has overruled`
}

// ---- no wrong denial

function isExplained(asking: Ended<Asking>, log: Log): boolean {
  switch (asking.reason) {
    case 'denied':
      return log.calls.some((call) => explainsDenial(call, asking, log))
    case 'service_error':
      return endingWith(asking, log).some(({ answer }) => Number(answer.status) >= 500)
    case 'rate_limited':
      return endingWith(asking, log).some(({ answer }) => answer.status === 429)
    case 'unreachable':
      return endingWith(asking, log).some(({ ended }) => ended.as === 'reset')
    case 'timeout':
      return waited(asking) === log.rules.timeoutMs && wasHeldUp(asking, log)
    case 'circuit_open':
      return isCircuitOpen(asking, log)
    case 'overloaded':
      return isOverloaded(asking, log)
    default:
      return false
  }
}

function explainsDenial(call: Call, asking: Ended<Asking>, log: Log): boolean {
  if (!isDenial(call) || call.told !== asking.told || isAfter(call.ended, asking.ended))
    return false
  if (!isOneMemory(call, asking, log)) return false
  if (isAfter(call.asked, asking.started)) return true
  if (isUnsharable(call)) return false
  if (isAfter(call.ended, asking.started)) return !isForgotten(call, asking.started, log)
  const isLasting = call.answer.status === 401 || call.answer.status === 403
  if (!isLasting || !isYounger(call, asking.ended, log, 0)) return false
  return !isForgotten(call, asking.ended, log) && !isOverruled(call, asking.ended, log)
}

/** Whether a check that began after the denial has brought an allow by then. */
function isOverruled(denial: Call, until: Moment, log: Log): boolean {
  return log.calls.some(
    (other) =>
      hasAnswered(other) &&
      other.answer.status === 200 &&
      other.told === denial.told &&
      isOneMemory(other, denial, log) &&
      isYounger(other, until, log, 0) &&
      !wasBegunBeforeForgetting(other, until, log) &&
      isAfter(other.asked, denial.asked) &&
      other.asked.at - denial.asked.at >= patienceMs(log.rules) &&
      isAfter(until, other.ended),
  )
}

/** Whether the request waited for a place or for a call that was slow enough to explain a timeout. */
function wasHeldUp(asking: Ended<Asking>, log: Log): boolean {
  const { timeoutMs, retry } = log.rules
  if (crowdOf(asking, log) > placesFor(asking, log)) return true
  // A request with more than an eighth of its budget may spend half of it as a follower of another call.
  const leastMs = retry === false ? timeoutMs / 16 : 0
  return overlapping(asking, log.calls).some(
    ({ told, asked, ended }) =>
      told === asking.told &&
      isAfter(asked, asking.started) &&
      (ended?.at ?? Infinity) - asked.at >= leastMs,
  )
}

/**
 * The number of requests and calls beside a request. Calls may outlive their requests, and an ended call holds its place
 * until its retry.
 */
function crowdOf(asking: Ended<Asking>, { askings, calls, rules }: Log): number {
  const recent = calls.filter(
    ({ asked, ended }) =>
      asked.at <= asking.ended.at && (ended?.at ?? Infinity) + rules.timeoutMs >= asking.started.at,
  )
  return overlapping(asking, askings).length + recent.length
}

/** How many calls run before this request waits. Once a token is known, some places are only for known tokens. */
function placesFor(asking: Ended<Asking>, log: Log): number {
  const { maxInFlight } = log.rules.concurrency
  if (!lanesOf(asking, log).has('unknown')) return maxInFlight
  const isAnyKnown = log.calls.some((call) => isAllow(call) && isAfter(asking.ended, call.ended))
  return isAnyKnown ? maxInFlight - Math.floor(maxInFlight / 4) : maxInFlight
}

function isOverloaded(asking: Ended<Asking>, log: Log): boolean {
  const { askings, rules } = log
  const { maxWaiting } = rules.concurrency
  const others = overlapping(asking, askings)
  const places = placesFor(asking, log)
  if (crowdOf(asking, log) > places + maxWaiting && isOutnumbered(asking, others, log)) return true
  // A check that waited for half of its budget gets no place. The same holds for its followers.
  const leastMs = rules.timeoutMs / 16
  return (
    crowdOf(asking, log) > places &&
    others.some(
      ({ told, started }) => told === asking.told && asking.ended.at - started.at >= leastMs,
    )
  )
}

/** Every token goes before an unknown one. Only known tokens, itself included, go before a known one. */
function isOutnumbered(asking: Ended<Asking>, others: readonly Asking[], log: Log): boolean {
  if (lanesOf(asking, log).has('unknown')) return true
  const rivals = others.filter((other) => lanesOf(other, log).has('known'))
  return rivals.length > log.rules.concurrency.maxWaiting
}

function isCircuitOpen(asking: Ended<Asking>, log: Log): boolean {
  return [...lanesOf(asking, log)].some((lane) => isLaneClosed(lane, asking, log))
}

function isLaneClosed(lane: Lane, asking: Ended<Asking>, log: Log): boolean {
  const { token, guard, ended: moment } = asking
  const { circuit, calls, rules } = log
  const last = lastBefore(
    moment,
    circuit.filter((change) => change.tokens === lane && change.guard === guard),
  )
  if (rules.circuitBreaker === false || last === undefined) return false
  const forMs = moment.at - last.moment.at
  if (last.state === 'open') {
    // The token that failed last leaves the probe to another one that has asked.
    const leavesProbe = lastOutage(lane, guard, last.moment, log)?.token === token
    return forMs < rules.circuitBreaker.openMs * (leavesProbe ? 2 : 1)
  }
  const hasProbed = calls.some(
    (call) =>
      hasAnswered(call) &&
      call.guard === guard &&
      !GATEWAY_ERRORS.has(call.answer.status) &&
      !lanesOf(call, log).has(lane === 'known' ? 'unknown' : 'known') &&
      isAfter(call.asked, last.moment) &&
      isAfter(moment, call.ended),
  )
  return last.state === 'half_open' && forMs <= rules.timeoutMs && !hasProbed
}

function lastBefore<Change extends { readonly moment: Moment }>(
  moment: Moment,
  changes: readonly Change[],
): Change | undefined {
  let last: Change | undefined
  for (const change of changes) if (isAfter(moment, change.moment)) last = change
  return last
}

// ---- known tokens

type Lane = 'known' | 'unknown'

/** The lanes that a token may have been in during a request or a call, or just before it. */
function lanesOf(
  thing: Asking | Call,
  log: Pick<Log, 'calls' | 'invalidations' | 'rules'>,
): Set<Lane> {
  const begun = 'asked' in thing ? thing.asked : thing.started
  const lanes = new Set<Lane>()
  let lane: Lane = 'unknown'
  for (const { at, seq, lane: next } of changesOf(thing, log)) {
    // A check may call the endpoint at the end of its budget and learn the result a moment later.
    if (at >= begun.at - log.rules.timeoutMs) lanes.add(lane)
    if (seq > (thing.ended?.seq ?? Infinity)) return lanes
    lane = next
  }
  return lanes.add(lane)
}

/** The moments when a token became known or unknown. */
function changesOf(
  thing: Asking | Call,
  log: Pick<Log, 'calls' | 'invalidations' | 'rules'>,
): { readonly at: number; readonly seq: number; readonly lane: Lane }[] {
  const { token } = thing
  const { calls, invalidations } = log
  const learned = calls
    .filter((call) => call.token === token && isOneMemory(call, thing, log))
    .filter((call) => isAllow(call) || isDenial(call))
    // A 403 rejects one request. The token stays known.
    .filter((call) => call.answer.status !== 403)
    .map((call) => ({ ...call.ended, lane: isAllow(call) ? 'known' : 'unknown' }) as const)
  const forgotten = invalidations
    .filter((invalidation) => [token, undefined].includes(invalidation.token))
    .map(({ moment }) => ({ ...moment, lane: 'unknown' }) as const)
  const changes = [...learned, ...forgotten]
  changes.sort((one, other) => one.seq - other.seq)
  return changes
}

// ---- calls and events

function findCallFaults(log: Log): string[] {
  const faults: string[] = []
  for (const call of log.calls) {
    const twin = log.calls.find((other) => isTwin(other, call))
    if (twin !== undefined && !mayAskBeside(call, twin, log)) {
      faults.push(`call ${call.id} asked what call ${twin.id} was asking`)
    }
  }
  for (const { moment, state, tokens, guard } of log.circuit) {
    if (state === 'open' && !mayOpen(tokens, guard, moment, log)) {
      faults.push(`the circuit of ${tokens} tokens opened at ${moment.at}`)
    }
  }
  return faults
}

/** Whether the earlier call was still running when the same question was asked again. */
function isTwin(earlier: Call, later: Call): boolean {
  if (earlier.guard !== later.guard || earlier.told !== later.told) return false
  if (!isAfter(later.asked, earlier.asked)) return false
  // A call that ends at that moment, at its deadline, was replaced.
  return earlier.ended === undefined || earlier.ended.at > later.asked.at
}

function mayAskBeside(call: Call, twin: Call, log: Log): boolean {
  const { asked, told } = call
  const { timeoutMs } = log.rules
  if (wasBegunBeforeForgetting(twin, asked, log)) return true
  // Requests need not follow a call that was running when the token was denied. Its check may be in a retry.
  if (
    log.calls.some(
      (other) =>
        isDenial(other) &&
        other.told === told &&
        isOneMemory(other, call, log) &&
        isAfter(asked, other.ended) &&
        (isAfter(other.ended, twin.asked) ||
          twin.asked.at - other.ended.at < patienceMs(log.rules)),
    )
  )
    return true
  // A follower waited for half of its budget and made its own call. The call goes on after another's verdict.
  const isLate = ({ started, told: toldBy }: Asking): boolean =>
    toldBy === told &&
    isAfter(asked, started) &&
    asked.at - started.at >= timeoutMs / 2 &&
    asked.at - started.at <= timeoutMs
  if (log.askings.some((asking) => isLate(asking))) return true
  // Followers of a call whose verdict cannot be shared ask themselves.
  return log.calls.some(
    (other) =>
      hasAnswered(other) &&
      other.told === told &&
      isUnsharable(other) &&
      isAfter(asked, other.ended) &&
      asked.at - other.ended.at <= timeoutMs,
  )
}

/** Whether a call may belong to a check from before an invalidation. The check may have waited or be in a retry. */
function wasBegunBeforeForgetting(
  { asked, token }: Call,
  until: Moment,
  { invalidations, rules }: Log,
): boolean {
  return invalidations.some(
    (forgotten) =>
      (forgotten.token === undefined || forgotten.token === token) &&
      isAfter(until, forgotten.moment) &&
      (isAfter(forgotten.moment, asked) || asked.at - forgotten.moment.at < patienceMs(rules)),
  )
}

/** How old a check can be when it makes a call. */
function patienceMs({ retry, concurrency, timeoutMs }: Rules): number {
  return retry === false && concurrency.maxInFlight > 4 ? 0 : timeoutMs
}

function mayOpen(lane: Lane, guard: number, moment: Moment, log: Log): boolean {
  const { circuit, calls, rules } = log
  const { circuitBreaker } = rules
  if (circuitBreaker === false) return false
  const before = lastBefore(
    moment,
    circuit.filter((change) => change.tokens === lane && change.guard === guard),
  )
  const least = before?.state === 'half_open' ? 1 : FAILURES_TO_OPEN
  const outages = calls
    .filter((call) => isOutage(call))
    .filter(
      (call) =>
        call.guard === guard &&
        lanesOf(call, log).has(lane) &&
        isAfter(moment, call.ended) &&
        moment.at - call.ended.at < WINDOW_MS,
    )
  if (outages.length < least) return false
  return lane === 'unknown' || least === 1 || isForSeveral(outages, guard, moment, log)
}

/** Whether three known tokens failed, or one while the guard got no allow for another for half a minute. */
function isForSeveral(
  outages: readonly Ended<Call>[],
  guard: number,
  moment: Moment,
  log: Log,
): boolean {
  if (new Set(outages.map(({ token }) => token)).size >= 3) return true
  return outages.some(({ token }) =>
    log.calls.every(
      (call) =>
        call.guard !== guard ||
        call.token === token ||
        !isAllow(call) ||
        isAfter(call.ended, moment) ||
        moment.at - call.ended.at >= 30_000,
    ),
  )
}

function lastOutage(lane: Lane, guard: number, moment: Moment, log: Log): Ended<Call> | undefined {
  let last: Ended<Call> | undefined
  for (const call of log.calls) {
    if (call.guard !== guard || !isOutage(call) || !isAfter(moment, call.ended)) continue
    if (!lanesOf(call, log).has(lane)) continue
    if (last === undefined || isAfter(call.ended, last.ended)) last = call
  }
  return last
}

function findReportFaults({ decisions, askings, calls, rules, idleTimers }: Log): string[] {
  const faults: string[] = []
  if (idleTimers > 0) faults.push('timers are set though no request waits')
  const stale = askings.filter(({ auth }) => auth?.stale === true).length
  const attempts = rules.retry === false ? 1 : 1 + rules.retry.attempts
  if (calls.length > askings.length * attempts) faults.push('asked more than requests and retries')
  // A request that took another's verdict may end before the retry of its own call.
  if (decisions.attempts > calls.length) faults.push('the events tell of calls that were not made')
  if (decisions.count !== askings.length) faults.push('not one event a request')
  if (decisions.stale !== stale) faults.push('stale allows and stale events differ')
  return faults
}

// ---- facts

/** Whether what one learns counts for the other: guards of equal scope with one cache remember together. */
function isOneMemory(one: Asker, other: Asker, { rules }: Pick<Log, 'rules'>): boolean {
  return one.guard === other.guard || (rules.cache !== false && one.scope === other.scope)
}

function hasEnded<Thing extends { ended?: Moment }>(thing: Thing): thing is Ended<Thing> {
  return thing.ended !== undefined
}

function hasAnswered(call: Call): call is Ended<Call> {
  return call.ended?.as === 'answered'
}

function isAllow(call: Call): call is Ended<Call> {
  return hasAnswered(call) && call.answer.status === 200
}

function isDenial(call: Call): call is Ended<Call> {
  const { status } = call.answer
  return hasAnswered(call) && Number(status) < 500 && status !== 200 && status !== 429
}

function isOutage(call: Call): call is Ended<Call> {
  if (call.ended === undefined) return false
  return call.ended.as !== 'answered' || GATEWAY_ERRORS.has(call.answer.status)
}

function isAfter(one: Moment, other: Moment): boolean {
  return one.seq > other.seq
}

function isBetween(moment: Moment, first: Moment, last: Moment): boolean {
  return isAfter(moment, first) && isAfter(last, moment)
}

function waited({ started, ended }: Ended<Asking>): number {
  return ended.at - started.at
}

/** The requests or calls that overlap a request, itself included. */
function overlapping<Thing extends Asking | Call>(
  { started, ended }: Ended<Asking>,
  things: readonly Thing[],
): Thing[] {
  return things.filter((thing) => {
    const begun = 'asked' in thing ? thing.asked : thing.started
    return isAfter(ended, begun) && (thing.ended === undefined || isAfter(thing.ended, started))
  })
}

/** The calls that can have ended a request. */
function endingWith(asking: Ended<Asking>, log: Log): Ended<Call>[] {
  return overlapping(asking, log.calls)
    .filter((call) => hasEnded(call))
    .filter(
      ({ told, ended }) =>
        told === asking.told && ended.at === asking.ended.at && isAfter(asking.ended, ended),
    )
}

function wasWithoutAnswer(asking: Ended<Asking>, log: Log): boolean {
  if (endingWith(asking, log).some((call) => isOutage(call) && isShownBy(call, log))) return true
  if (isCircuitOpen(asking, log)) return true
  const isLate = waited(asking) === log.rules.timeoutMs || isOverloaded(asking, log)
  return isLate && hasFailedLately(asking.ended, log)
}

/** Whether a call shows an outage. A late call that waited for a place does not, if other calls got verdicts. */
function isShownBy({ guard, asked, ended, told }: Ended<Call>, { calls, askings }: Log): boolean {
  if (ended.as !== 'abandoned') return true
  const hasWaited = !askings.some(
    (asking) => asking.guard === guard && asking.told === told && asking.started.at === asked.at,
  )
  if (!hasWaited) return true
  const isAnswer = (call: Call): call is Ended<Call> => isAllow(call) || isDenial(call)
  return !calls.some(
    (call) => call.guard === guard && isAnswer(call) && isBetween(call.ended, asked, ended),
  )
}

/** Whether there was an outage lately. Overload alone is not one. */
function hasFailedLately(moment: Moment, log: Log): boolean {
  const { calls, circuit } = log
  const isRecent = (past: Moment): boolean =>
    isAfter(moment, past) && moment.at - past.at < WINDOW_MS
  const hasChanged = circuit.some((change) => isRecent(change.moment))
  return (
    hasChanged ||
    calls.some((call) => isOutage(call) && isShownBy(call, log) && isRecent(call.ended))
  )
}

function isForgotten(call: Call, until: Moment, { invalidations }: Log): boolean {
  return invalidations.some(
    ({ moment, token }) =>
      (token === undefined || token === call.token) &&
      isAfter(moment, call.asked) &&
      isAfter(until, moment),
  )
}

function maxAgeMs({ answer, exp, ended }: Call): number {
  const { cacheControl = '' } = answer
  if (cacheControl.includes('no-store') || cacheControl.includes('no-cache')) return 0
  const [, seconds] = /max-age=(\d+)/.exec(cacheControl) ?? []
  const untilExp = exp === undefined || ended === undefined ? Infinity : exp * 1000 - ended.wall
  return Math.max(0, Math.min(seconds === undefined ? Infinity : Number(seconds) * 1000, untilExp))
}

function isUnsharable(call: Call): boolean {
  return maxAgeMs(call) === 0
}

function ttlMs(call: Call, { rules: { cache } }: Log): number {
  if (cache === false) return 0
  const configured = call.answer.status === 200 ? cache.allowTtlMs : cache.denyTtlMs
  return Math.min(configured, maxAgeMs(call))
}

/** Whether a cached answer is within its time to live plus `moreMs`, by both clocks and its `exp`. */
function isYounger(call: Call, { at, wall }: Moment, log: Log, moreMs: number): boolean {
  const limit = ttlMs(call, log) + moreMs
  if (call.exp !== undefined && wall >= call.exp * 1000 + moreMs) return false
  if (at - call.asked.at >= limit) return false
  return possibleWalls(call, log).some(
    (asked) => wall >= asked - patienceMs(log.rules) && wall - asked < limit,
  )
}

/** The possible wall-clock times of a call. The clock may have jumped between its attempts. */
function possibleWalls({ asked }: Call, { jumps, rules }: Log): number[] {
  const walls = [asked.wall]
  let wall = asked.wall
  for (const { moment, ms } of jumps) {
    if (isAfter(moment, asked) || asked.at - moment.at >= patienceMs(rules)) continue
    wall -= ms
    walls.push(wall)
  }
  return walls
}

/** Whether a cached answer was fresh even with the largest jitter. */
function isCertainlyFresh(call: Ended<Call>, { started, ended }: Ended<Asking>, log: Log): boolean {
  if (isAfter(call.ended, started) || call.exp !== undefined) return false
  const limit = ttlMs(call, log) * LEAST_PART - patienceMs(log.rules)
  return [started, ended].every(
    ({ at, wall }) =>
      at - call.asked.at < limit &&
      possibleWalls(call, log).every((asked) => wall >= asked && wall - asked < limit),
  )
}
