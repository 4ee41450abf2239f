import type { Endpoint } from '../support/endpoint.ts'

/** What a goal may use. */
export interface Place {
  /** The folder with the programs and the package. */
  readonly app: string
  readonly endpoint: Endpoint
}

export interface Finding {
  readonly found: string
  readonly isReached: boolean
}

/** Something that must be so, and what tells whether it is. */
export interface Goal {
  readonly id: string
  readonly goal: string
  readonly find: (place: Place) => Promise<Finding>
}
