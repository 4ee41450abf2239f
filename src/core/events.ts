import { AuthConfigError } from './errors.ts'
import { ignore } from './promises.ts'
import type { AuthConfig } from './auth-config.ts'
import type { AuthEvent } from './types.ts'

/** Tells the observer of an event. Never throws. */
export type Report = (event: AuthEvent) => void

/** Tells of a config that cannot be used: the observer, or the console where there is none. */
export type Complain = (error: unknown, report: Report | undefined) => void

/** `undefined` without an observer, so that nothing is measured for nobody. */
export function createReport(onEvent: AuthConfig['onEvent']): Report | undefined {
  if (onEvent === undefined) return undefined
  return (event) => {
    try {
      // An async observer is not awaited.
      ignore(onEvent(Object.freeze(event)))
    } catch {
      // An observer has no say in the decision.
    }
  }
}

/** Without an observer each problem is written once, so that a server that refuses everybody says why. */
export function createComplain(): Complain {
  let written: string | undefined
  return (error, report) => {
    const message = describeProblem(error)
    if (report !== undefined) return report({ type: 'config_error', message })
    if (message === written) return
    written = message
    // oxlint-disable-next-line no-console
    console.error(`with-auth: ${message}`)
  }
}

// What a config function throws is not ours, and may hold what it read from the environment.
function describeProblem(error: unknown): string {
  if (error instanceof AuthConfigError) return error.message
  const name: unknown = error instanceof Error ? error.name : typeof error
  return `The config could not be made: ${JSON.stringify(String(name).slice(0, 80))} was thrown`
}
