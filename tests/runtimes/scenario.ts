import type { ProfileName } from './profiles.ts'
import type { Runtime } from './runtimes.ts'
import type { EndpointState } from './support/bench.ts'
import type { EndpointAnswer } from './support/endpoint-answer.ts'
import type { HttpRequest } from './support/http.ts'

/** The requests of clients, and the results that every runtime must give. */
export interface Scenario extends Step {
  /** Completes "it ...". */
  readonly name: string
  /** The options of the guard. Default: `defaults`. */
  readonly profile?: ProfileName
  /** Earlier steps, one at a time. */
  readonly before?: readonly Step[]
  /**
   * The answers of the endpoint, one for each call; the last one repeats. Or its state. Default: it allows the token `good`
   * and denies every other.
   */
  readonly endpoint?: EndpointAnswer | readonly EndpointAnswer[] | Exclude<EndpointState, 'running'>
  readonly deviations?: readonly Deviation[]
}

/** One request, or the same request `times` times at once. */
export interface Step {
  readonly request: HttpRequest
  readonly times?: number
  /** The wait before the step. */
  readonly afterMs?: number
  readonly expected: Expected
}

/** Another expectation for servers that build a different Request from the same bytes. */
export interface Deviation {
  readonly servers: readonly Runtime['server'][]
  readonly cause: string
  readonly expected: Expected
}

/** The result of each request of a step. */
export interface Expected {
  readonly status: number
  /** Headers that occur exactly once with this value, or never (`undefined`). */
  readonly fields: Readonly<Record<string, string | undefined>>
  /** Default: any body, because the server writes it. */
  readonly body?: string
  /** Whether the handler runs. */
  readonly handled: boolean
  /** The calls to the endpoint in the whole step, without the headers that every scenario sends. */
  readonly asked?: readonly Asked[]
  /** The runtime itself may repeat the call. */
  readonly mayRepeat?: true
}

export interface Asked {
  readonly api_key: string
  readonly request: {
    readonly path: string
    readonly params: object
    readonly headers: Readonly<Record<string, string>>
    readonly method?: string
  }
}

/** Every step of a scenario, in the order in which they begin. */
export function stepsOf({ before = [], ...last }: Scenario): readonly Step[] {
  return [...before, last]
}
