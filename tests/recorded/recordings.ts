import type { Answer } from './service.ts'

/** The types of recordings that several tests read. */

type Whole = Answer & { readonly status: number; readonly body: string }
type Tokens = Readonly<Record<string, string>>

export interface Keycloak {
  /** In milliseconds. */
  readonly recordedAt: number
  readonly issuer: string
  readonly discovery: { readonly jwks_uri: string }
  readonly keysAtFirst: object
  readonly keys: object
  readonly keysRotated: object
  readonly keysEd448: object
  readonly tokens: Tokens
  /** The answer of Keycloak to "client token". */
  readonly asked: Readonly<Record<string, Whole>>
}

/** The answer of an introspection endpoint about a token (RFC 7662 §2.2). */
export interface Said {
  readonly active?: boolean
  readonly sub?: string
  readonly exp?: number
  readonly aud?: string | readonly string[]
  readonly token_use?: string
}

/** An introspection endpoint. */
export interface Server {
  readonly issuer: string
  readonly tokens: Tokens
  readonly answers: Readonly<Record<string, Omit<Whole, 'body'> & { readonly body: Said }>>
}

/** Tokens of Hydra that are signed. */
interface SignedByHydra extends Server {
  /** The client that users log in to. */
  readonly web: string
  readonly documents: Readonly<Record<string, Whole>>
}

type Lines = [name: string, value: string][]
type Proxy = 'nginx' | 'caddy' | 'haproxy' | 'traefik'

/** `hydra-zitadel-oauth2-proxy` */
export interface Others {
  /** In milliseconds. It began some seconds before its tokens. */
  readonly at: number
  readonly hydra: { readonly jwt: SignedByHydra; readonly opaque: Server }
  /** With the answer to a client with a wrong secret. */
  readonly zitadel: Server & { readonly wrongClient: Whole }
  /** The headers that oauth2-proxy sent on. */
  readonly o2p: readonly { readonly who: string; readonly lines: Lines }[]
  /** The questions of each proxy with forward auth, and the status that let the request pass or rejected it. */
  readonly subrequests: Readonly<
    Record<
      Proxy,
      readonly {
        readonly method: string
        readonly url: string
        readonly lines: Lines
        readonly status: number
      }[]
    >
  >
}

/** One request to the API server of Kubernetes, and its answer. */
export interface Tape {
  readonly request: { readonly method: string; readonly path: string; readonly body: string }
  readonly answer: Answer
}

export interface Kubernetes {
  /** In milliseconds. */
  readonly recordedAt: number
  readonly issuer: string
  readonly audience: string
  /** The token of this server. */
  readonly reviewer: string
  readonly cases: readonly {
    readonly name: string
    readonly token: string
    /** The TokenReview, and the SelfSubjectReview. */
    readonly tapes: readonly [Tape, Tape]
    /** By these two, and by the keys of the cluster. */
    readonly decisions: readonly [string, string, string]
  }[]
  readonly outages: readonly {
    readonly name: string
    readonly tape: Tape
    readonly code: string
    readonly self?: boolean
  }[]
  readonly jwks: Answer
  readonly rotated: { readonly token: string; readonly jwks: string }
  /** A token of an issuer that the API server trusts and cannot reach. */
  readonly issuerAway: { readonly tape: Tape; readonly code: string }
  /** The SelfSubjectReview of a caller that it does not know. */
  readonly anonymous: Answer
}
