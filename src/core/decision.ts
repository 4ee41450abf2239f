import type { CredentialsSource } from './auth-config.ts'
import type { Handover } from './policies/handover.ts'
import type { RouteCheck } from './handlers/route-pattern.ts'
import type { Auth, DenialReason } from './types.ts'

/** Why a request may reach the handler, and where its guard looks for credentials. */
export type Admission = {
  readonly credentials: readonly CredentialsSource[]
} & (
  | { readonly outcome: 'allow'; readonly auth: Auth }
  | { readonly outcome: 'exempt'; readonly by: Exemption }
)

/** The reason that admits a request without an allow. `shadow`: the decision was a denial in shadow mode. */
export type Exemption = 'public' | 'preflight' | 'shadow'

/** A rejected request: the reason, and the response to send. */
export interface Rejection {
  readonly reason: DenialReason
  readonly response: Response
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause?: string
}

/** What was decided about a request. Only `allow` and `exempt` may reach the handler. */
export type Decision = Admission | ({ readonly outcome: 'deny' } & Rejection)

/**
 * Decides about a request. Never throws and never rejects; answers at once where the endpoint is not asked. `isOwnRoute` is
 * given where the pattern is known by which a request came.
 */
export type Decide = (
  request: Request,
  args: readonly unknown[],
  isOwnRoute?: RouteCheck,
) => Decision | Promise<Decision>

/** What an authenticator says about a request. */
export type AuthenticationResult =
  | {
      readonly ok: true
      /** `undefined` without an allow: on a public path, for a preflight, for a denial in shadow mode. */
      readonly auth: Auth | undefined
    }
  | ({ readonly ok: false } & Rejection)

/** Decides about requests without calling anything. Never rejects. */
export interface Authenticator<Args extends readonly unknown[]> extends VerdictControls {
  (request: Request, ...args: Args): Promise<AuthenticationResult>
}

/** What can be done about verdicts that are kept. */
export interface VerdictControls {
  /**
   * Forgets every verdict about a token, and keeps none that is on its way: the next request asks. Only in this instance.
   *
   * @throws TypeError if the token is no string.
   */
  readonly invalidate: (token: string) => void
  /** Forgets every verdict, and keeps none that is on its way. Only in this instance. */
  readonly clear: () => void
}

/** The flow of requests, and what can be done about the verdicts that it keeps. */
export interface Gate {
  readonly decide: Decide
  readonly controls: VerdictControls
  /** For the gate that replaces this one. */
  readonly handOver: () => Handover | undefined
}
