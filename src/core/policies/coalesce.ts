import { AuthUnavailableError } from '../errors.ts'
import { EXPIRED, within } from '../async.ts'
import { TransientMap } from './transient-map.ts'
import type { Check } from '../request/check.ts'
import type { Verifier } from '../endpoint/verdict.ts'
import type { CheckedVerdict } from '../endpoint/verdict.ts'

export interface CoalesceOptions {
  readonly timeoutMs: number
}

export interface Coalescer {
  readonly verify: Verifier
  /** Lets no later check share a flight of a token, or of any. */
  readonly forget: (token?: string) => void
}

interface Flight {
  readonly check: Check
  readonly expiresAt: number
  /** Brings the verdict, or what throws the failure. Rejects only by the hand of the runtime: then the flight is lost. */
  readonly landed: Promise<() => CheckedVerdict>
  /** Something newer is known, so that nobody takes its verdict but the one who asked. */
  isClosed: boolean
}

// From here on it is worth looking for what is lost; then again at twice as many, so that looking costs next to nothing.
const MANY = 2048

/**
 * Asks once for checks that ask the same at the same time. The flight is nobody's: it has its own deadline and goes on
 * when the request that started it ends. Who joins it gives it half of its own time, and then asks for itself with the
 * other half and takes the flight's place: on Workers the promises of a request that ended never settle. Whichever of
 * the two lands first is taken, so that an endpoint that is merely slow is waited for.
 */
export function coalesce(
  next: Verifier,
  { timeoutMs }: CoalesceOptions,
  { now }: { readonly now: () => number },
): Coalescer {
  // The one to join, and all that are under way.
  const joinable = new TransientMap<string, Flight>()
  const underWay = new TransientMap<string, Set<Flight>>()
  let sweepAt = MANY

  const close = (key: string, except?: Flight): void => {
    for (const flight of underWay.get(key) ?? []) if (flight !== except) flight.isClosed = true
    joinable.delete(key)
  }
  const remove = (key: string, flight: Flight): void => {
    const others = underWay.get(key)
    if (others?.delete(flight) === true && others.size === 0) underWay.delete(key)
    if (joinable.get(key) === flight) joinable.delete(key)
  }
  const dropLost = (): void => {
    if (underWay.size < sweepAt) return
    const time = now()
    const all = [...underWay.entries()].flatMap(([key, flights]) =>
      [...flights].map((flight) => ({ key, flight })),
    )
    for (const { key, flight } of all) if (flight.expiresAt <= time) remove(key, flight)
    sweepAt = Math.max(MANY, 2 * underWay.size)
  }

  const lead = (check: Check, budgetMs: number): Promise<CheckedVerdict> => {
    dropLost()
    const { key } = check
    check.budgetMs = budgetMs
    const pending = land(Promise.resolve(next(check)), (verdict) => {
      // After a denial nobody takes what a twin says either, which may have been asked before it.
      if (verdict?.outcome === 'deny') close(key, flight)
      remove(key, flight)
    })
    const landed = pending.then(returning, throwing)
    const flight: Flight = { check, expiresAt: now() + budgetMs, landed, isClosed: false }
    joinable.set(key, flight)
    underWay.set(key, (underWay.get(key) ?? new Set()).add(flight))
    check.keepAlive?.(landed.then(() => undefined))
    return pending
  }

  const ask = (check: Check, budgetMs: number): Promise<CheckedVerdict> => {
    const flight = joinable.get(check.key)
    if (flight === undefined || flight.expiresAt <= now()) return lead(check, budgetMs)
    return follow(check, flight, budgetMs)
  }

  const follow = async (
    check: Check,
    flight: Flight,
    budgetMs: number,
  ): Promise<CheckedVerdict> => {
    // While it waits, its request may be changed by others.
    check.prepare()
    const joinedAt = now()
    check.waitedSince = joinedAt
    const shared = verdictOf(flight)
    // With little time left there is only one thing to do with it: a call of one's own could not end in it.
    const patienceMs = budgetMs > timeoutMs / 8 ? budgetMs / 2 : budgetMs
    const verdict = await within(patienceMs, shared)
    const restMs = (): number => budgetMs - (now() - joinedAt)
    if (verdict !== EXPIRED) return take(check, flight, verdict, restMs())
    if (check.isAnswered || restMs() < timeoutMs / 100) throw new AuthUnavailableError('timeout')
    const own = joinable.get(check.key) === flight ? lead(check, restMs()) : ask(check, restMs())
    return firstOf(own, shared, restMs, (came) => take(check, flight, came, restMs()))
  }

  const take = (
    check: Check,
    flight: Flight,
    verdict: CheckedVerdict,
    restMs: number,
  ): CheckedVerdict | Promise<CheckedVerdict> => {
    if (verdict.maxAgeMs === 0) {
      // The endpoint forbids to share this answer, so each asks for itself.
      check.budgetMs = restMs
      return next(check)
    }
    check.isAnswered = true
    check.cache = 'shared'
    check.endpointStatus = flight.check.endpointStatus
    return verdict
  }

  return {
    verify: (check) => ask(check, timeoutMs),
    forget: (token) => {
      for (const [key, [flight]] of underWay.entries()) {
        if (token === undefined || flight?.check.token === token) close(key)
      }
    },
  }
}

// A flight that is lost, closed, or ran out of its own time, says nothing to who joined it and has time left.
async function verdictOf(flight: Flight): Promise<CheckedVerdict | typeof EXPIRED> {
  const outcome = await orLost(flight.landed)
  if (outcome === undefined || flight.isClosed) return EXPIRED
  try {
    return outcome()
  } catch (error) {
    if (error instanceof AuthUnavailableError && error.reason === 'timeout') return EXPIRED
    throw error
  }
}

/** What comes first, of one's own call and of the other's. One's own was not made where there was no place for it. */
async function firstOf(
  own: Promise<CheckedVerdict>,
  shared: Promise<CheckedVerdict | typeof EXPIRED>,
  restMs: () => number,
  take: (verdict: CheckedVerdict) => CheckedVerdict | Promise<CheckedVerdict>,
): Promise<CheckedVerdict> {
  const takeOr = (
    came: CheckedVerdict | typeof EXPIRED,
    otherwise: Promise<CheckedVerdict>,
  ): CheckedVerdict | Promise<CheckedVerdict> =>
    came === EXPIRED || came.maxAgeMs === 0 ? otherwise : take(came)
  const late = shared.then(
    (came) => takeOr(came, own),
    () => own,
  )
  try {
    return await Promise.race([own, late])
  } catch (error) {
    if (!(error instanceof AuthUnavailableError) || error.reason !== 'overloaded') throw error
    const came = await within(restMs(), shared).catch((): typeof EXPIRED => EXPIRED)
    return takeOr(came, own)
  }
}

// Workers reject what waits for a promise of a request that has ended, or (by the date of the worker) never settle it.
async function orLost<Value>(landed: Promise<Value>): Promise<Value | undefined> {
  try {
    return await landed
  } catch {
    return undefined
  }
}

function returning(verdict: CheckedVerdict): () => CheckedVerdict {
  return () => verdict
}

function throwing(error: unknown): () => never {
  return () => {
    throw error
  }
}

async function land(
  pending: Promise<CheckedVerdict>,
  done: (verdict?: CheckedVerdict) => void,
): Promise<CheckedVerdict> {
  let verdict: CheckedVerdict | undefined
  try {
    verdict = await pending
    return verdict
  } finally {
    done(verdict)
  }
}
