import { setTimeout as pause } from 'node:timers/promises'
import { endChild, startChild } from './child.ts'
import { monotonicMs } from './ledger.ts'
import type { Child } from './child.ts'

interface Interval {
  readonly from: number
  to: number
}

const KINDS = ['killed', 'hanging', 'slow', 'resetting', 'restarted'] as const
const LEAST_MS = 300
const MOST_MS = 3_500
const NO_MS = 0
/** How long a fault has consequences: an open circuit, waiting checks, lost connections. */
const AFTERMATH_MS = 3_000
const INTERVALS_KEPT = 10

export type FaultyEndpoint = Awaited<ReturnType<typeof startFaultyEndpoint>>

/** Starts an auth endpoint in its own process. */
export async function startFaultyEndpoint(ledgerPath: string) {
  const revoked: string[] = []
  const intervals: Interval[] = []
  const kinds: Record<string, number> = {}
  const start = (port: number): Promise<Child> =>
    startChild('endpoint.js', [String(port), ledgerPath, JSON.stringify(revoked)])
  let child = await start(0)
  const { port } = child
  const tell = (message: object): void => {
    if (child.process.connected) child.process.send(message)
  }

  const breakFor = async (kind: (typeof KINDS)[number], ms: number): Promise<void> => {
    if (kind !== 'killed' && kind !== 'restarted') {
      tell({ become: kind })
      await pause(ms)
      return tell({ become: 'well' })
    }
    await endChild(child, 'SIGKILL')
    await pause(kind === 'killed' ? ms : NO_MS)
    child = await start(port)
  }
  const overlaps = (from: number, to: number): boolean =>
    intervals.some((interval) => interval.from <= to && from <= interval.to + AFTERMATH_MS)

  return {
    port,
    /** Whether a fault or its aftermath covers this moment. */
    areThere: (at: number): boolean => overlaps(at, at),
    /** Whether a fault or its aftermath overlaps this interval. */
    wereThere: overlaps,
    /** The number of faults of each kind. */
    kinds: (): Readonly<Record<string, number>> => kinds,
    revoke: (key: string): void => {
      revoked.push(key)
      tell({ revoke: key })
    },
    /** Breaks the endpoint in a random way for a while, then repairs it. */
    breakOnce: async (): Promise<void> => {
      const kind = KINDS[Math.floor(Math.random() * KINDS.length)] ?? 'killed'
      kinds[kind] = (kinds[kind] ?? 0) + 1
      const interval = { from: monotonicMs(), to: Infinity }
      intervals.push(interval)
      if (intervals.length > INTERVALS_KEPT) intervals.shift()
      await breakFor(kind, LEAST_MS + Math.random() * (MOST_MS - LEAST_MS))
      interval.to = monotonicMs()
    },
    close: () => endChild(child, 'SIGKILL'),
  }
}
