import process from 'node:process'
import type { StopSignal } from './surroundings.ts'

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

/** Waits for the next signal that asks to stop. Until somebody waits, such a signal ends the process as usual. */
export function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve(signal))
  })
}
