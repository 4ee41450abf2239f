import { readFileSync, readdirSync } from 'node:fs'

export interface Footprint {
  readonly atMs: number
  readonly residentMb: number
  readonly descriptors: number
}

/** The resources that a process uses now, from `/proc`. */
export function footprintOf(pid: number): Footprint {
  const pages = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    atMs: performance.now(),
    residentMb: Number(pages) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

/**
 * The growth of the resident memory in ten minutes: the median slope between the minima of the minutes. Memory above a
 * minimum is garbage that is not yet collected.
 */
export function growthPerTenMinutes(seen: readonly Footprint[]): number {
  const floors = leastOfEachMinute(seen)
  const slopes = floors.flatMap((one, index) =>
    floors
      .slice(index + 1)
      .map(({ atMs, residentMb }) => (residentMb - one.residentMb) / (atMs - one.atMs)),
  )
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  slopes.sort((a, b) => a - b)
  return (slopes[Math.floor(slopes.length / 2)] ?? 0) * 600_000
}

function leastOfEachMinute(seen: readonly Footprint[]): Footprint[] {
  const minutes = new Map<number, Footprint>()
  for (const footprint of seen) {
    const minute = Math.floor(footprint.atMs / 60_000)
    const least = minutes.get(minute)
    if (least === undefined || footprint.residentMb < least.residentMb)
      minutes.set(minute, footprint)
  }
  return [...minutes.values()]
}
