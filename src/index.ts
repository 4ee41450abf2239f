/**
 * Checks requests with your auth endpoint before your Fetch handler runs.
 *
 * @module with-auth
 */
export { createAuthenticator } from './core/authenticator.ts'
export { AuthConfigError, AuthUnavailableError } from './core/errors.ts'
export { getAuth } from './core/response/admission.ts'
export { withAuth } from './core/with-auth.ts'
export { memoryCache } from './memory/memory-cache.ts'
export type { AuthenticationResult, Authenticator } from './core/authenticator.ts'
export type { CacheBounds, DecisionCache } from './core/seams.ts'
export type { MemoryCacheOptions } from './memory/options.ts'
export type { ProtectedResource } from './core/seams.ts'
export type { OptionProblem } from './core/errors.ts'
export type {
  DecisionStore,
  Recalled,
  Revocation,
  SharedAllow,
  SharedDecisions,
  SharedQuestion,
  Stamp,
} from './core/seams.ts'
export type {
  AuthConfig,
  CircuitBreakerConfig,
  ConcurrencyConfig,
  CredentialsSource,
  PublicPath,
  RetryConfig,
} from './core/auth-config.ts'
export type { AuthConfigSource } from './core/auth-config.ts'
export type {
  AskVerifier,
  ReadsConfig,
  ContextConfig,
  DefinedVerifier,
  Question,
  Transport,
  TransportInit,
  TransportResponse,
  Verdict,
  Verifier,
  VerifierFunction,
  VerifierRun,
  VerifierTraits,
} from './core/verifier.ts'
export type {
  Access,
  AccessEvent,
  Auth,
  AuthEvent,
  CircuitEvent,
  DecisionEvent,
  Denial,
  DenialReason,
  DenyDetail,
  KeysEvent,
  NoticeEvent,
  SkipReason,
  StoreEvent,
  UnavailableReason,
} from './core/types.ts'
export type { AppArgs, FetchApp, GuardedApp, GuardedHandler } from './core/with-auth.ts'
