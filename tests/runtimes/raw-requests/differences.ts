import type { Expected } from './row.ts'
import type { ServerName } from './servers.ts'

/** Requests that have another outcome on some servers, and why. */
export interface Difference {
  readonly servers: readonly ServerName[]
  readonly cause: string
  readonly outcomes: readonly Outcome[]
}

/** The outcome on these servers, then the variants: each is the id of the row, a colon and the name of the variant. */
type Outcome = readonly [Expected, ...string[]]

export function differ(
  servers: ServerName | readonly ServerName[],
  cause: string,
  ...outcomes: readonly Outcome[]
): Difference {
  return { servers: [servers].flat(), cause, outcomes }
}

/** The names of targets that are sent without a token, and with one. */
export function both(id: string, ...targets: readonly string[]): string[] {
  return targets.flatMap((target) => [`${id}: ${target}`, ...known(id, target)])
}

export function known(id: string, ...targets: readonly string[]): string[] {
  return targets.map((target) => `${id}: ${target} with a token`)
}
