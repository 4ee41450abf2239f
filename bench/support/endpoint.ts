import { setTimeout as sleep } from 'node:timers/promises'
import { startEndpoint } from './runtimes.ts'
import { readUsage } from './process-usage.ts'

export interface Endpoint {
  readonly url: string
  readonly pid: number
  /** The number of calls so far, after all pending calls have arrived. */
  readonly calls: () => Promise<number>
  readonly cpuMicroseconds: () => number
  readonly stop: () => Promise<void>
}

// Longer than a pending call takes to arrive.
const QUIET_MS = 100

export async function createEndpoint(app: string): Promise<Endpoint> {
  const { url, pid, stop } = await startEndpoint(app)
  const count = async (): Promise<number> => Number(await (await fetch(`${url}/calls`)).text())
  const calls = async (): Promise<number> => {
    let before = -1
    let after = await count()
    while (after !== before) {
      await sleep(QUIET_MS)
      before = after
      after = await count()
    }
    return after
  }
  const cpuMicroseconds = (): number => readUsage(pid).cpuMicroseconds
  return { url: `${url}/validate`, pid, calls, cpuMicroseconds, stop }
}
