import { AuthUnavailableError } from '../errors.ts'
import { EXPIRED, within } from '../timers.ts'
import type { Check, Verifier } from '../check.ts'
import type { CheckedVerdict } from '../verdict.ts'

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
}

const MANY = 2048

/**
 * Asks once for checks that ask the same at the same time. The flight is nobody's: it has its own deadline and goes on
 * when the request that started it ends. Who joins it gives it half of its own time, and then asks for itself with the
 * other half and takes the flight's place: on Workers the promises of a request that ended never settle.
 */
export function coalesce(
  next: Verifier,
  { timeoutMs }: CoalesceOptions,
  { now }: { readonly now: () => number },
): Coalescer {
  const flights = new Map<string, Flight>()

  const dropLost = (): void => {
    if (flights.size < MANY) return
    for (const [key, flight] of flights) if (flight.expiresAt <= now()) flights.delete(key)
  }

  const lead = (check: Check, budgetMs: number): Promise<CheckedVerdict> => {
    dropLost()
    const { key } = check
    check.budgetMs = budgetMs
    const pending = land(Promise.resolve(next(check)), (verdict) => {
      // After a denial nobody joins a twin either, which may have been asked before it.
      if (verdict?.outcome === 'deny' || flights.get(key) === flight) flights.delete(key)
    })
    const landed = pending.then(returning, throwing)
    const flight: Flight = { check, expiresAt: now() + budgetMs, landed }
    flights.set(key, flight)
    check.keepAlive?.(landed.then(() => undefined))
    return pending
  }

  const ask = (check: Check, budgetMs: number): Promise<CheckedVerdict> => {
    const flight = flights.get(check.key)
    const isShared = flight !== undefined && flight.expiresAt > now()
    // With little time left there is only one thing to do with it.
    return isShared && budgetMs > timeoutMs / 8
      ? follow(check, flight, budgetMs)
      : lead(check, budgetMs)
  }

  const follow = async (
    check: Check,
    flight: Flight,
    budgetMs: number,
  ): Promise<CheckedVerdict> => {
    const joinedAt = now()
    const verdict = await within(budgetMs / 2, orExpired(flight))
    const restMs = budgetMs - (now() - joinedAt)
    if (verdict === EXPIRED) {
      return flights.get(check.key) === flight ? lead(check, restMs) : ask(check, restMs)
    }
    if (verdict.maxAgeMs === 0) {
      // The endpoint forbids to share this answer, so each asks for itself.
      check.budgetMs = restMs
      return next(check)
    }
    check.cache = 'shared'
    check.endpointStatus = flight.check.endpointStatus
    return verdict
  }

  return {
    verify: (check) => ask(check, timeoutMs),
    forget: (token) => {
      for (const [key, { check }] of flights) {
        if (token === undefined || check.token === token) flights.delete(key)
      }
    },
  }
}

// A flight that is lost, or ran out of its own time, says nothing to who joined it late and has time left.
async function orExpired({ landed }: Flight): Promise<CheckedVerdict | typeof EXPIRED> {
  const outcome = await orLost(landed)
  if (outcome === undefined) return EXPIRED
  try {
    return outcome()
  } catch (error) {
    if (error instanceof AuthUnavailableError && error.reason === 'timeout') return EXPIRED
    throw error
  }
}

// Workers reject what waits for a promise of a request that has ended, or (by the date of the worker) never settle it.
async function orLost<Value>(landed: Promise<Value>): Promise<Value | undefined> {
  try {
    return await landed
    /* v8 ignore next 3 -- no Node rejects it: tests/runtimes/workers-flights.test.ts holds it on workerd */
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
