import { readFileSync, readdirSync } from 'node:fs'

export interface Footprint {
  readonly atMs: number
  readonly residentMb: number
  readonly descriptors: number
}

/** What a process holds now, as Linux says. */
export function footprintOf(pid: number): Footprint {
  const pages = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    atMs: performance.now(),
    residentMb: Number(pages) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

/** By how much the resident memory grows in ten minutes: the least-squares line through what was seen. */
export function growthPerTenMinutes(seen: readonly Footprint[]): number {
  const meanAt = mean(seen.map(({ atMs }) => atMs))
  const meanMb = mean(seen.map(({ residentMb }) => residentMb))
  const spread = seen.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0)
  const covariance = seen.reduce(
    (sum, { atMs, residentMb }) => sum + (atMs - meanAt) * (residentMb - meanMb),
    0,
  )
  return (covariance / spread) * 600_000
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
