export { createAuthenticator } from './core/authenticator.ts'
export { AuthConfigError, AuthUnavailableError } from './core/errors.ts'
export { getAuth } from './core/identity.ts'
export { withAuth } from './core/with-auth.ts'
export type { AuthenticationResult, Authenticator, VerdictControls } from './core/decision.ts'
export type {
  Auth,
  AuthConfig,
  AuthConfigSource,
  AuthEvent,
  CacheConfig,
  CircuitBreakerConfig,
  CircuitEvent,
  ConcurrencyConfig,
  ContextConfig,
  CredentialsSource,
  CustomVerifier,
  DecisionEvent,
  Denial,
  DenialReason,
  NoticeEvent,
  PublicPath,
  Question,
  RetryConfig,
  SkipReason,
  Transport,
  TransportInit,
  TransportResponse,
  UnavailableReason,
  Verdict,
} from './core/types.ts'
export type { AppArgs, FetchApp, GuardedApp, GuardedHandler } from './core/with-auth.ts'
