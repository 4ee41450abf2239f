import { CONTESTANTS } from '../contestants.ts'
import { lowestCpu, median } from '../summary.ts'
import { percent } from '../table.ts'
import type { ContestantId } from '../contestants.ts'
import type { Measured, Sample } from '../measure.ts'
import { shareOf } from '../section.ts'
import type { GoalResult } from '../section.ts'
import type { RuntimeId } from '../support/runtimes.ts'

type Least = number | Partial<Record<RuntimeId, number>>

/** The goal of one contestant of a match relative to another. */
interface MatchGoal {
  /** The id of a match, or the start of several ids. */
  readonly match: string
  readonly who: ContestantId
  readonly beside: ContestantId
  /** The other's CPU per request as a part of this one's, at least. */
  readonly cpu?: Least
  /** The same as a multiple. */
  readonly lessCpu?: number
  /** The most milliseconds added. */
  readonly added?: { readonly p50: number; readonly p99: number }
}

interface Pair {
  readonly who: Measured
  readonly beside: Measured
}

const MATCH_GOALS: readonly MatchGoal[] = [
  { match: 'hit/hot', who: 'kept', beside: 'map', cpu: 0.96 },
  { match: 'hit/many', who: 'kept', beside: 'map', cpu: 0.96 },
  { match: 'hit/hot', who: 'kept-hono', beside: 'map-hono', cpu: 0.97 },
  { match: 'miss/new', who: 'asked', beside: 'post', cpu: 0.92 },
  { match: 'miss/node', who: 'transported-hono', beside: 'post-hono', lessCpu: 2.9 },
  { match: 'miss/node', who: 'transported', beside: 'post-undici', cpu: 0.93 },
  {
    match: 'miss/single-node',
    who: 'transported',
    beside: 'bare',
    added: { p50: 0.15, p99: 2 },
  },
  // It answers a request without a token by hand.
  { match: 'refused/none', who: 'kept', beside: 'map', cpu: 0.96 },
  {
    match: 'refused/none',
    who: 'kept-hono',
    beside: 'bearer-static',
    cpu: { node24: 2, bun: 2, deno: 2 },
  },
  { match: 'peers/origin', who: 'asked', beside: 'origin', lessCpu: 35 },
  { match: 'peers/origin', who: 'kept', beside: 'origin', lessCpu: 250 },
]

/** The goals of a match with the measured values. */
export function findMatchGoals(
  match: string,
  runtime: RuntimeId,
  measured: readonly Measured[],
): GoalResult[] {
  const find = (id: ContestantId): Measured | undefined =>
    measured.find(({ name }) => name === CONTESTANTS[id].name)
  return MATCH_GOALS.filter((goal) => match.startsWith(goal.match)).flatMap((goal) => {
    const [who, beside] = [find(goal.who), find(goal.beside)]
    if (who === undefined || beside === undefined) return []
    return compare(goal, runtime, { who, beside })
  })
}

function compare({ cpu, lessCpu, added }: MatchGoal, runtime: RuntimeId, pair: Pair): GoalResult[] {
  const least = typeof cpu === 'object' ? cpu[runtime] : cpu
  return [
    ...(least === undefined ? [] : [compareShare(least, pair)]),
    ...(lessCpu === undefined ? [] : [compareCpu(lessCpu, pair)]),
    ...(added === undefined
      ? []
      : [compareAdded('p50', added, pair), compareAdded('p99', added, pair)]),
  ]
}

function compareShare(least: number, pair: Pair): GoalResult {
  const found = 1 / cpuRatio(pair)
  return {
    goal: shareOf(pair.who.name, pair.beside.name),
    limit: `at least ${percent(least)}`,
    found: percent(found),
    isReached: found >= least,
  }
}

function compareCpu(least: number, pair: Pair): GoalResult {
  const found = 1 / cpuRatio(pair)
  return {
    goal: `${pair.who.name}, less CPU than ${pair.beside.name}`,
    limit: `at least ${least} times`,
    found: `${found.toFixed(1)} times`,
    isReached: found >= least,
  }
}

function compareAdded(
  figure: 'p50' | 'p99',
  most: Readonly<Record<'p50' | 'p99', number>>,
  { who, beside }: Pair,
): GoalResult {
  const middle = ({ samples }: Measured): number =>
    median(samples.map((sample: Sample) => sample[figure])) / 1000
  const found = middle(who) - middle(beside)
  return {
    goal: `${who.name}, ${figure} beside ${beside.name}`,
    limit: `at most ${most[figure]} ms more`,
    found: `${found.toFixed(2)} ms`,
    isReached: found <= most[figure],
  }
}

function cpuRatio({ who, beside }: Pair): number {
  return lowestCpu(who.samples) / lowestCpu(beside.samples)
}
