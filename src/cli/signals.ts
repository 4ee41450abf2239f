import process from 'node:process'
import type { StopSignal } from './surroundings.ts'

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

let isStopping = false

/** Waits for the next signal that asks to stop. Until somebody waits, such a signal ends the process as usual. */
export function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    const stop = (signal: StopSignal): void => {
      isStopping = true
      resolve(signal)
    }
    for (const signal of SIGNALS) process.on(signal, () => stop(signal))
  })
}

/** Whether `nextSignal` has told of a signal. */
export function isAskedToStop(): boolean {
  return isStopping
}
