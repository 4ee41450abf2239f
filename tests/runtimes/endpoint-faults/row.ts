import type { Fault } from './fault-server.ts'
import type { Site } from './site.ts'

/** What asks: the `fetch` of a runtime, or `nodeTransport()`. */
export type RuntimeName = 'Node' | 'Node over undici' | 'Bun' | 'Deno' | 'workerd'
export type Identity = 'optional' | 'required'

/** What comes of a request: the handler, or the `code` of a refusal. */
export type Verdict =
  | 'allow'
  | 'denied'
  | 'rate_limited'
  | 'service_error'
  | 'timeout'
  | 'unreachable'
  | 'invalid_response'
  | 'circuit_open'
  | 'overloaded'
  | 'internal_error'

/** What is admissible: one verdict, or any of several where that is a matter of timing. */
export type Expected = Verdict | readonly Verdict[]

/** What comes where an identity is optional, and where it is required. */
export type Expectation = Expected | Readonly<Record<Identity, Expected>>

/** A 200 that names nobody. */
export const NOBODY = { optional: 'allow', required: 'invalid_response' } as const
/** A 200 whose body breaks off: the status alone was a verdict. */
export const BROKEN = { optional: 'allow', required: 'unreachable' } as const

/** One thing that an endpoint does, and what must come of it. */
export interface Case {
  readonly name: string
  readonly fault: Fault
  readonly expected: Expectation
  /** The options of the guard, beside those that all have. Some depend on where the endpoint listens. */
  readonly options?: object | ((site: Site) => object)
  /** What is done and looked at; asking once, and nothing else, where it is left out. */
  readonly steps?: (site: Site) => Promise<void>
  /** The calls that are made at once, whose connections may all be kept. */
  readonly callsAtOnce?: number
  /** Where connections are given up later than elsewhere. */
  readonly settledMs?: Partial<Readonly<Record<RuntimeName, number>>>
}

/** A row of the catalogue of attacks: what an endpoint does, in all its variants. */
export interface Row {
  /** `E1` to `E34`. */
  readonly id: string
  readonly title: string
  readonly cases: readonly Case[]
  /** Its cases take what others need, and run one after the other when nothing else does. */
  readonly alone?: true
}

/** Where what asks makes something else of a case, and why. */
export interface Deviation {
  readonly runtimes: readonly RuntimeName[]
  readonly row: string
  /** The names of the cases. */
  readonly cases: readonly string[]
  readonly expected: Expectation
  readonly cause: string
}
