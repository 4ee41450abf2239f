/** One contestant of a match. Ratios are to the first contestant. */
export interface Row {
  readonly name: string
  readonly perSecond: number
  readonly ofFirst: number
  readonly leastOfFirst: number
  readonly mostOfFirst: number
  readonly cpuMicroseconds: number
  readonly cpuOfFirst: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly callsPerRequest: number
  readonly endpointLoad: number
  readonly residentMiB: number
}

export interface GoalResult {
  readonly goal: string
  /** Absent if `goal` says it. */
  readonly limit?: string
  readonly found: string
  readonly isReached: boolean
}

/** A match, or without rows the table of goals. */
export interface Section {
  readonly heading: string
  readonly note?: string
  readonly rows?: readonly Row[]
  readonly goals: readonly GoalResult[]
}

/** The text of a goal about the CPU time of two contestants. */
export function shareOf(who: string, beside: string): string {
  return `${who}, CPU of ${beside} as a part of its own`
}
