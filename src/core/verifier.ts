import type { CircuitEvent, DenyDetail, KeysEvent } from './types.ts'

/** The parts of a request that the endpoint gets. With fewer parts more requests share one cached decision. */
export interface ContextConfig {
  /** `'all'` sends the client's headers except `cookie` and `proxy-authorization`. A list sends exactly those headers. `cache`
   * needs a list.
   * @default 'all' */
  readonly headers?: 'all' | readonly string[]
  /** How the query is sent. `'values'` sends a string, or a list for a repeated parameter. `'lists'` sends a list for each
   * parameter, as Llama Stack does. `'none'` sends `{}`.
   * @default 'values' */
  readonly params?: 'values' | 'lists' | 'none'
  /** `true` sends the canonical path. `false` sends `''`, so that one cached decision serves every path.
   * @default true */
  readonly path?: boolean
  /** `true` adds `request.method`. Set it if the endpoint tells reads from writes.
   * @default false */
  readonly method?: boolean
  /** Returns the network address of the client, from the request or the extra arguments of the handler. On Node's own servers,
   * and in Express and Fastify, the extra argument is Node's request: `(_, incoming) => incoming.socket.remoteAddress`.
   * Take it from the connection, or from a header that your own proxy sets. The endpoint gets it as `request.client_address`. A
   * verifier with `reads` gets it only if it reads it. While calls are scarce, unknown tokens take turns by it. */
  readonly clientAddress?: (request: Request, ...args: readonly never[]) => string | undefined
}

/** The parts of a request that a verifier reads. */
export interface ReadsConfig extends Omit<ContextConfig, 'clientAddress'> {
  /** `true` adds the network address of the client, which `context.clientAddress` of the guard returns. An endpoint gets it as
   * `request.client_address`.
   * @default false */
  readonly clientAddress?: boolean
}

/** Everything that the endpoint is told about a request. */
export interface Question {
  /** The token, without the scheme. */
  readonly token: string
  readonly request: {
    /** The canonical path, or `''` if `context.path` is `false`. */
    readonly path: string
    /** Lower-case names; values as Fetch joins them. */
    readonly headers: Readonly<Record<string, string>>
    /** A string for a parameter that occurs once, a list for one that repeats. */
    readonly params: Readonly<Record<string, string | readonly string[]>>
    /** The method as it was sent. Only with `context.method`. */
    readonly method?: string
    /** The network address of the client, if `context.clientAddress` returns it. */
    readonly clientAddress?: string
  }
}

/** The answer to a {@link Question}. Without an answer throw `AuthUnavailableError`. */
export type Verdict =
  | {
      readonly outcome: 'allow'
      readonly principal?: string | undefined
      /** A string counts as a list of one. */
      readonly attributes?: Readonly<Record<string, string | readonly string[]>> | undefined
      readonly scopes?: readonly string[] | undefined
      readonly clientId?: string | undefined
      readonly tenant?: string | undefined
      /** JSON values, at most 8 KiB as JSON. */
      readonly claims?: Readonly<Record<string, unknown>> | undefined
      /** When the token ends, in milliseconds since 1970. From then on the verdict is not used again, not even as a stale one. */
      readonly expiresAt?: number | undefined
      /** How long the verdict may be cached, in milliseconds; `0`: neither cached nor shared. */
      readonly maxAgeMs?: number | undefined
      /** `true`: after `maxAgeMs`, or the `allowTtlMs` of the cache, it is not used again, not even as a stale one. */
      readonly mustRevalidate?: true | undefined
    }
  | {
      readonly outcome: 'deny'
      /** `'forbidden'` answers 403: the caller is known, and may not do this. */
      readonly reason?: 'forbidden' | undefined
      readonly detail?: DenyDetail | undefined
      /** The fault of the token, in at most 256 characters, for the operator: `cause` of the event. It must hold no secret. */
      readonly cause?: string | undefined
      /** How long the verdict may be cached, in milliseconds; `0`: neither cached nor shared. */
      readonly maxAgeMs?: number | undefined
      /** The error of another verifier that might have allowed the token. The request is then rejected for that, nothing is
       * cached, and because of the denial no earlier allow is used again. */
      readonly error?: unknown
    }

/** Lets a verifier tell the guard more about one question. A guard gives all of it; a caller of your own may leave it out. */
export interface VerifierRun {
  /** Keeps work going after the response, where the runtime would end it with the request. */
  readonly waitUntil?: (work: Promise<unknown>) => void
  /** Reports a warning, each text once a minute, and at most 64 texts. The text must hold no secret. */
  readonly warn?: (message: string) => void
  /** Reports that keys were fetched, or that a circuit has changed. */
  readonly report?: (event: KeysEvent | CircuitEvent) => void
  /** Names the verifier that decides, if this one only chooses among others. */
  readonly by?: (label: string) => void
  /** Notes the status with which a service answered the question. */
  readonly answered?: (status: number) => void
  /** How long until the signal aborts, in milliseconds. */
  readonly timeLeftMs?: () => number
  /** What becomes of the tenant of an allow: the guard takes a request without one, `tenancy` does not, or it gives every caller
   * the same. By default `'required'`. */
  readonly tenant?: 'optional' | 'required' | 'ignored'
  /** `traceparent` and `tracestate` of the request, for the headers of a call that belongs to it. */
  readonly trace?: Readonly<Record<string, string>> | undefined
  /** Returns the address of the client, if it is known, for a verifier that limits its calls and lets clients take turns. May
   * throw. No verdict may depend on it: the question does not contain it, so other clients would get the cached decision. */
  readonly client?: (() => string | undefined) | undefined
}

/** Decides about a token and the request that it came with. The signal aborts at the deadline. */
export type AskVerifier = (
  question: Question,
  signal: AbortSignal,
  run?: VerifierRun,
) => Verdict | Promise<Verdict>

/** The traits of a verifier. */
export interface VerifierTraits {
  /**
   * The parts of a request that it looks at, and so the default of `context`. A part that is left out is not read.
   * Without `reads` the default of `context` is the usual one.
   */
  readonly reads?: ReadsConfig | undefined
  /** `true`: it answers from memory. It is then asked without retries, circuit breaker and `concurrency`. */
  readonly local?: true | undefined
  /** Request headers that are for it alone, such as the secret of a proxy. A gateway never forwards them. */
  readonly consumes?: readonly string[] | undefined
  /** `true`: a token that is read from one of `consumes` is the name of the caller, and not a secret. Events show it. */
  readonly namesCaller?: true | undefined
  /** Whether a token may be one of its own, by its shape alone. For `firstOf`. */
  readonly accepts?: ((token: string) => boolean) | undefined
  /** Its name in events, such as `jwt`: a lower-case letter, then at most 31 of `a-z`, `0-9` and `_`. */
  readonly label?: string | undefined
  /** Warnings about its options, which are reported when the guard is made. */
  readonly warnings?: readonly string[] | undefined
  /** Differs between verifiers that may decide differently: guards with one cache share decisions if it is equal. */
  readonly id?: string | undefined
  /** `true`: its tokens cannot be revoked, and work until they end. */
  readonly endsByItself?: true | undefined
  /** Its options with all defaults and without secrets, as `with-auth config` prints them. */
  readonly describe?: (() => object) | undefined
}

/** A function that decides. It has no traits: `defineVerifier` of `with-auth/verifiers` gives it some. */
export interface VerifierFunction extends NoTraits {
  (...args: Parameters<AskVerifier>): ReturnType<AskVerifier>
}

type NoTraits = { readonly [Name in keyof VerifierTraits]?: never }

/** A verifier with traits. `defineVerifier` of `with-auth/verifiers` makes it, and so do all verifiers of this package. */
export interface DefinedVerifier extends VerifierTraits {
  /** Decides about a token, as a guard would ask it. */
  readonly ask: AskVerifier
  /** In lower case. */
  readonly consumes: readonly string[]
  readonly warnings: readonly string[]
  readonly describe: () => object
}

/** Decides in place of an endpoint. */
export type Verifier = VerifierFunction | DefinedVerifier

/** The part of `RequestInit` that every runtime supports. */
export interface TransportInit {
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  /** Only with `POST`. */
  readonly body?: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The part of `Response` that is read. */
export interface TransportResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null
  /** `true` rejects the response, since a redirect must not be followed. */
  readonly redirected?: boolean
}

/** Makes one request. Rejects without a response; never follows a redirect. */
export interface Transport {
  (url: string, init: TransportInit): Promise<TransportResponse>
  /** Equal for transports that ask alike, so that guards with them may share decisions. */
  readonly id?: string
}
