import { AuthConfigError } from './errors.ts'
import { ignore } from './promises.ts'
import type { AuthConfig } from './auth-config.ts'
import type { AuthEvent } from './types.ts'

/** Tells the observer of an event, which for a decision is about a request. Never throws. */
export type Report = (event: AuthEvent, request?: Request) => void

// A user's observer must not get the Request: `onEvent: console.log` would print the token.
const GETS_REQUEST = new WeakSet()

/** Makes an observer of this package get the Request of a decision too, to tell which response belongs to it. */
export function observeWithRequest(observer: Report): NonNullable<AuthConfig['onEvent']> {
  GETS_REQUEST.add(observer)
  return observer
}

/** Tells of a config that cannot be used: the observer, or the console where there is none. */
export type Complain = (error: unknown, report: Report | undefined) => void

/** `undefined` without an observer, so that nothing is measured for nobody. */
export function createReport(onEvent: AuthConfig['onEvent']): Report | undefined {
  if (onEvent === undefined) return undefined
  const tell: Report = GETS_REQUEST.has(onEvent) ? onEvent : (event) => onEvent(event)
  return (event, request) => {
    try {
      // An async observer is not awaited.
      ignore(tell(Object.freeze(event), request))
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
