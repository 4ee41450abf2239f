import type { Endpoint } from '../support/endpoint.ts'

/** The environment of a goal. */
export interface Place {
  /** The folder that holds the programs and the package. */
  readonly app: string
  readonly endpoint: Endpoint
}

export interface Finding {
  readonly found: string
  readonly isReached: boolean
}

/** A goal and its measurement. */
export interface Goal {
  readonly id: string
  readonly goal: string
  readonly find: (place: Place) => Promise<Finding>
}
