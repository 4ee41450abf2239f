import { TransientMap } from '../transient-map.ts'
import type { Check } from '../../request/check.ts'

/** A check that was put to the endpoint and whose verdict may be kept. */
export interface PendingFill {
  readonly check: Check
  readonly deadline: number
  readonly startedAt: number
  readonly wallStartedAt: number
  /** Something newer is known, so that its verdict must not be kept. */
  isOutdated: boolean
}

/** What is on its way to the cache. */
export interface PendingFills {
  readonly begin: (check: Check, deadline: number) => PendingFill
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
  // By the key of the question: to compare the questions of one token with each other would be quadratic, and slow where
  // they are long. Each set is in the order in which its fills began.
  const questions = new TransientMap<string, Set<PendingFill>>()

  const end = (fill: PendingFill): void => {
    const { key } = fill.check
    const twins = questions.get(key)
    if (twins?.delete(fill) === true && twins.size === 0) questions.delete(key)
  }
  const twinsOf = function* (fill: PendingFill, which: 'older' | 'all'): Generator<PendingFill> {
    const twins = questions.get(fill.check.key)
    // A fill that was dropped as lost began before all that are still there.
    if (which === 'older' && twins?.has(fill) !== true) return
    for (const twin of twins ?? []) {
      if (twin === fill && which === 'older') return
      if (twin !== fill) yield twin
    }
  }
  const all = function* (): Generator<PendingFill> {
    for (const [, fills] of questions.entries()) yield* fills
  }
  // On Workers a call is lost with the request that started it, and then never ends.
  let sweepAt = MANY
  // What nobody outdates any more must not be kept, should it come after all.
  const lose = (fill: PendingFill): void => {
    fill.isOutdated = true
    end(fill)
  }
  const dropLost = (): void => {
    const time = now() - GRACE_MS
    for (const fill of all()) if (fill.deadline < time) lose(fill)
    sweepAt = Math.max(MANY, 2 * questions.size)
  }

  return {
    begin: (check, deadline) => {
      if (questions.size >= sweepAt) dropLost()
      const fill = {
        check,
        deadline,
        startedAt: now(),
        wallStartedAt: wallNow(),
        isOutdated: false,
      }
      const twins = questions.get(check.key) ?? new Set()
      for (const twin of twins) {
        if (twin.deadline >= now() - GRACE_MS) break
        lose(twin)
      }
      questions.set(check.key, twins.add(fill))
      return fill
    },
    end,
    outdate: (token) => {
      for (const fill of all()) {
        if (token === undefined || fill.check.token === token) fill.isOutdated = true
      }
    },
    outdateTwins: (fill, which) => {
      let found = false
      for (const twin of twinsOf(fill, which)) {
        twin.isOutdated = true
        found = true
      }
      return found
    },
  }
}
