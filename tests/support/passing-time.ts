import { afterEach, beforeEach, vi } from 'vitest'

/** Lets a test set the clocks forward, while timers and sockets stay real. Returns the function that does. */
export function usePassingTime(): (ms: number) => void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())
  return (ms) => void vi.advanceTimersByTime(ms)
}
