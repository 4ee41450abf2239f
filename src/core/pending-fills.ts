import { TransientMap } from './transient-map.ts'
import type { Check } from './check.ts'

/** A check that was put to the endpoint and whose verdict may be kept. */
export interface PendingFill {
  readonly check: Check
  readonly startedAt: number
  readonly wallStartedAt: number
  /** Something newer is known, so that its verdict must not be kept. */
  isOutdated: boolean
}

/** What is on its way to the cache. */
export interface PendingFills {
  readonly begin: (check: Check) => PendingFill
  readonly end: (fill: PendingFill) => void
  /** Outdates all of a token, or all. */
  readonly outdate: (token?: string) => void
  /** Outdates others that asked the same and are not back yet, or those that began before. Says if there were any. */
  readonly outdateTwins: (fill: PendingFill, which: 'older' | 'all') => boolean
}

// From here on it is worth a look; then again at twice as many, so that looking costs next to nothing.
const MANY = 2048
// A call may still come back a moment after its deadline.
const GRACE_MS = 1000

export function createPendingFills({
  now,
  wallNow,
}: {
  readonly now: () => number
  readonly wallNow: () => number
}): PendingFills {
  // In the order in which they were begun.
  const tokens = new TransientMap<string, Set<PendingFill>>()

  const end = (fill: PendingFill): void => {
    const { token } = fill.check
    const others = tokens.get(token)
    if (others?.delete(fill) === true && others.size === 0) tokens.delete(token)
  }
  const all = function* (): Generator<PendingFill> {
    for (const [, fills] of tokens.entries()) yield* fills
  }
  const of = (token: string): Iterable<PendingFill> => tokens.get(token) ?? []
  // On Workers a call is lost with the request that started it, and then never ends.
  let sweepAt = MANY
  // What nobody outdates any more must not be kept, should it come after all.
  const lose = (fill: PendingFill): void => {
    fill.isOutdated = true
    end(fill)
  }
  const dropLost = (): void => {
    const time = now() - GRACE_MS
    for (const fill of all()) if (fill.check.expiresAt < time) lose(fill)
    sweepAt = Math.max(MANY, 2 * tokens.size)
  }

  return {
    begin: (check) => {
      if (tokens.size >= sweepAt) dropLost()
      const fill = { check, startedAt: now(), wallStartedAt: wallNow(), isOutdated: false }
      tokens.set(check.token, (tokens.get(check.token) ?? new Set()).add(fill))
      return fill
    },
    end,
    outdate: (token) => {
      for (const fill of token === undefined ? all() : of(token)) fill.isOutdated = true
    },
    outdateTwins: (fill, which) => {
      const twins = [...of(fill.check.token)].filter(({ check }) => check.told === fill.check.told)
      const older = twins.slice(0, Math.max(0, twins.indexOf(fill)))
      const outdated = which === 'older' ? older : twins.filter((twin) => twin !== fill)
      for (const twin of outdated) twin.isOutdated = true
      return outdated.length > 0
    },
  }
}
