import type { Expected } from './row.ts'
import type { ServerName } from './servers.ts'

/** Requests that come to something else on some servers than on the others, and why. */
export interface Difference {
  readonly servers: readonly ServerName[]
  readonly cause: string
  readonly outcomes: readonly Outcome[]
}

/** What it is there, and for which variants: the id of the row, and the name of the variant. */
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
  return targets.flatMap((target) => [`${id} ${target}`, ...known(id, target)])
}

export function known(id: string, ...targets: readonly string[]): string[] {
  return targets.map((target) => `${id} ${target} with a token`)
}
