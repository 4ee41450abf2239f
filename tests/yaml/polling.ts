import { vi } from 'vitest'

/** Lets a watched file be read by the fake clock. */
export function usePolling(): void {
  vi.useFakeTimers()
  const timers = process.getBuiltinModule('node:timers')
  vi.spyOn(timers, 'setTimeout').mockImplementation(setTimeout)
  vi.spyOn(timers, 'clearTimeout').mockImplementation(clearTimeout)
}

/** Waits until a file with an interval of 10 ms was read often enough to notice a change. */
export async function untilRead(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50)
}
