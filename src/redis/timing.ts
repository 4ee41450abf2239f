import { EngineError } from './engine.ts'
import { systemClock } from '../core/runtime.ts'
import type { Clock } from '../core/runtime.ts'

/** The clocks and timers of a store. */
export interface Timing extends Clock {
  /** Calls once, unless it is cancelled by what it returns. Keeps the process alive only if told so. */
  readonly schedule: (ms: number, run: () => void, keepsAlive?: boolean) => () => void
}

export const systemTiming: Timing = {
  ...systemClock,
  schedule: (ms, run, keepsAlive = false) => {
    const timer = setTimeout(run, ms)
    if (!keepsAlive) timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Settles as the promise does, or rejects as a timeout. Keeps the process alive until then, since a request waits for it. */
export function settleWithin<Value>(
  { schedule }: Pick<Timing, 'schedule'>,
  ms: number,
  promise: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = schedule(ms, () => reject(new EngineError('timeout')), true)
    void promise.then(resolve, reject).then(cancel)
  })
}
