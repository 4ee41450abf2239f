import type { ProfileName } from './profiles.ts'
import type { Runtime } from './runtimes.ts'
import type { EndpointState } from './support/bench.ts'
import type { EndpointAnswer } from './support/endpoint-answer.ts'
import type { HttpRequest } from './support/http.ts'

/** What clients send, and everything that must come of it on every runtime. */
export interface Scenario extends Step {
  /** Completes "it ...". */
  readonly name: string
  /** What the guard is configured with; `defaults` if left out. */
  readonly profile?: ProfileName
  /** Steps that come before, one after the other. */
  readonly before?: readonly Step[]
  /** Is sent while the endpoint is being asked: a `gated` answer comes when this step is over. */
  readonly meanwhile?: Step
  /**
   * What the endpoint answers, call by call, the last of it again and again; or how it is. If left out it allows the
   * token `good` and denies any other.
   */
  readonly endpoint?: EndpointAnswer | readonly EndpointAnswer[] | Exclude<EndpointState, 'running'>
  readonly deviations?: readonly Deviation[]
}

/** One request, or the same some times at once. */
export interface Step {
  readonly request: HttpRequest
  readonly times?: number
  /** How long to wait before. */
  readonly afterMs?: number
  readonly expected: Expected
}

/** What is expected instead where the server makes another Request of the same bytes. */
export interface Deviation {
  readonly servers: readonly Runtime['server'][]
  readonly cause: string
  readonly expected: Expected
}

/** What comes of each request of a step. */
export interface Expected {
  readonly status: number
  /** Fields that are sent exactly once, with this value, or (`undefined`) not at all. */
  readonly fields: Readonly<Record<string, string | undefined>>
  /** If left out, it is the server's own. */
  readonly body?: string
  /** Whether the handler runs. */
  readonly handled: boolean
  /** What the body begins with, and the client has, before the handler goes on. */
  readonly begins?: string
  /** What the endpoint is asked by the whole step, less the headers that come with every scenario. */
  readonly asked?: readonly Asked[]
  /** The runtime may ask the same again, without our doing. */
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
export function stepsOf({ before = [], meanwhile, ...last }: Scenario): readonly Step[] {
  return [...before, last, ...(meanwhile === undefined ? [] : [meanwhile])]
}
