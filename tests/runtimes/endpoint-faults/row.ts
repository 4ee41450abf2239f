import type { Fault } from './fault-server.ts'
import type { Site } from './site.ts'

/** The client that calls the endpoint: the `fetch` of a runtime, or `nodeTransport()`. */
export type RuntimeName =
  | 'Node'
  | 'Node by its dispatcher'
  | 'Node over undici'
  | 'Bun'
  | 'Deno'
  | 'workerd'
export type Identity = 'optional' | 'required'

/** Those that unpack by `fetch`. */
export const FETCHING = ['Node', 'Node by its dispatcher'] as const
export const NODE = [...FETCHING, 'Node over undici'] as const

/** The result of a request: the handler ran, or the `code` of the rejection. */
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

/** The permitted verdict, or several if the timing decides. */
export type Expected = Verdict | readonly Verdict[]

/** The expected verdict, where it may differ by the option `identity`. */
export type Expectation = Expected | Readonly<Record<Identity, Expected>>

/** A 200 without a principal. */
export const NOBODY = { optional: 'allow', required: 'invalid_response' } as const
/** A 200 whose body breaks off. With an optional identity, the status alone is the verdict. */
export const BROKEN = { optional: 'allow', required: 'unreachable' } as const

/** Another result of a fault on some runtimes. A comment beside it says why. */
export interface Deviation {
  readonly runtimes: readonly RuntimeName[]
  readonly expected: Expectation
}

export function on(
  runtimes: RuntimeName | readonly RuntimeName[],
  expected: Expectation,
): Deviation {
  return { runtimes: [runtimes].flat(), expected }
}

/** One behaviour of an endpoint, and the verdict that it must lead to. */
export interface Case {
  readonly name: string
  readonly fault: Fault
  readonly expected: Expectation
  readonly deviations?: readonly Deviation[]
  /** Options of this guard, on top of the common ones. Some depend on the port of the endpoint. */
  readonly options?: object | ((site: Site) => object)
  /** The steps and checks of the case. Default: send one request. */
  readonly steps?: (site: Site) => Promise<void>
  /** How many calls run at once. Each may leave a connection open. */
  readonly callsAtOnce?: number
  /** Runtimes that close connections later than the others. */
  readonly settledMs?: Partial<Readonly<Record<RuntimeName, number>>>
}

/** A row of the attack catalogue: one behaviour of an endpoint in all its variants. */
export interface Row {
  readonly title: string
  readonly cases: readonly Case[]
  /**
   * Its cases run one at a time with nothing beside them: they use up memory or CPU, or their cause would be another if the
   * runtime were late or another endpoint took the port.
   */
  readonly alone?: true
  /** No two runtimes ever answered differently, so it runs at night only. */
  readonly nightly?: true
}

export function faulty(
  name: string,
  fault: Fault,
  expected: Expectation,
  ...deviations: readonly Deviation[]
): Case {
  return { name, fault, expected, deviations }
}

/** The verdict for a case on one runtime. */
export function expectedOn(
  runtime: RuntimeName,
  identity: Identity,
  { expected, deviations = [] }: Case,
): Expected {
  const deviation = deviations.find(({ runtimes }) => runtimes.includes(runtime))
  const wanted = deviation?.expected ?? expected
  return typeof wanted === 'object' && 'optional' in wanted ? wanted[identity] : wanted
}
