import type { Auth } from './types.ts'

/** Why a known caller may not do what it asks for. */
export type Refusal = 'insufficient_scope' | 'forbidden'

/** Whether a scope that was granted includes another that is needed. */
export type Implies = ((granted: string, needed: string) => boolean) | undefined

/** This server as an OAuth 2.0 protected resource (RFC 9728). `protectedResource` of `with-auth/mcp` makes it. */
export interface ProtectedResource {
  /** The URL of the resource, as clients know it. */
  readonly identifier: string
  /** The URL of its metadata, which challenges name. */
  readonly metadataUrl: string
  /** Returns its options, with their defaults. */
  readonly describe: () => object
}

/** A verifier, as far as its options can be read. */
export interface Described {
  readonly describe?: () => object
}

/** A protected resource as guards use it. One of another copy of the package has another class. */
export abstract class GuardedResource implements ProtectedResource {
  abstract readonly identifier: string
  abstract readonly metadataUrl: string
  abstract readonly describe: () => object
  /** Scopes that every request needs. */
  abstract readonly require: readonly string[]
  /** Answers a request for its metadata. Returns `undefined` for every other path. */
  abstract answer(request: Request, path: string): Response | undefined
  /** Warnings for the operator about it together with this verifier. */
  abstract warnings(verifier: Described | undefined): readonly string[]
  /** Why a caller may not proceed, whatever it asks for. */
  abstract refusal(auth: Auth, implies: Implies): Refusal | undefined
}
