import { credentials, requestIdHeader } from './credentials.ts'
import { endpoint, endpointHeaders } from './endpoint.ts'
import {
  boolean,
  callback,
  group,
  integer,
  milliseconds,
  oneOf,
  orFalse,
  parseList,
  ratio,
  valueThat,
} from './kinds.ts'
import { invalidOption, parseHeaderName } from './option-checks.ts'
import { publicPaths } from './public-paths.ts'
import { fitsChallenge } from './need.ts'
import { resource } from './resource.ts'
import { tenant, tenantField } from './tenant.ts'
import type {
  AuthConfig,
  CacheConfig,
  CircuitBreakerConfig,
  ConcurrencyConfig,
  CredentialsSource,
  RetryConfig,
} from '../auth-config.ts'
import type { Access } from '../types.ts'
import type { ContextConfig } from '../verifier.ts'
import type { DecisionStore } from '../decision-store.ts'
import type { Kind, Rule } from './kinds.ts'
import type { PublicRule } from './public-paths.ts'

/** The options whose parsed type is not `Filled`. */
interface Changed {
  readonly store: DecisionStore | undefined
  /** `undefined` if the environment of the first request names it, or if `verifier` replaces it. */
  readonly endpoint: string | undefined
  readonly credentials: readonly CredentialsSource[]
  readonly public: readonly PublicRule[]
}

/** A list stays the same, a function may be left out, and a group has all its options. */
type Filled<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends (...args: never) => unknown
    ? Value | undefined
    : Value extends object
      ? Required<Value>
      : Value

/** The options with their defaults, each as its kind parses it. */
export type ParsedOptions = {
  readonly [Name in keyof AuthConfig]-?: Name extends keyof Changed
    ? Changed[Name]
    : Filled<NonNullable<AuthConfig[Name]>>
}

/** One kind for each option of `AuthConfig`. A missing, misspelt or wrongly typed one does not compile. */
export type OptionTable = {
  readonly [Name in keyof AuthConfig]-?: Kind<NonNullable<AuthConfig[Name]>, ParsedOptions[Name]>
}

const contextHeaders: Kind<'all' | readonly string[]> = {
  form: {
    kind: 'headers',
    scalar: 'string',
    items: { kind: 'header', scalar: 'string' },
    default: 'all',
  },
  parse: (value = 'all', path) => {
    if (value === 'all') return value
    if (!Array.isArray(value)) throw invalidOption(path, value, '"all" or a list of names')
    return Object.freeze([...new Set(parseList(value, path, parseHeaderName))])
  },
}

const store: Kind<DecisionStore, DecisionStore | undefined> = {
  form: { kind: 'function' },
  parse: (value, path) => {
    if (value === undefined || isStore(value)) return value
    throw invalidOption(path, value, 'a store, such as `redisStore()` of with-auth/redis makes')
  },
}

const routePolicy: Kind<(access: Access) => boolean, AuthConfig['routePolicy']> = {
  form: { kind: 'function' },
  parse: (value, path) => {
    if (value === undefined) return undefined
    // A list of rules has a check of its own, which the core does not hold.
    if (typeof value === 'function') return value as (access: Access) => boolean
    throw invalidOption(path, value, 'what `routePolicy()` of with-auth/access returns')
  },
}

const realm = valueThat(
  (value): value is string =>
    typeof value === 'string' && /^[\x20-\x7e]+$/.test(value) && fitsChallenge(value),
  'a non-empty string of printable ASCII, without "scope=", "error=" and "resource_metadata="',
  { kind: 'realm', scalar: 'string', default: 'api' },
)

/** Every option with its kind, range and default. */
export const OPTIONS: OptionTable = {
  endpoint,
  allowInsecureHttp: boolean(false),
  endpointHeaders,
  verifier: callback(),
  context: group<ContextConfig>({
    headers: contextHeaders,
    params: oneOf('values', 'lists', 'none'),
    path: boolean(true),
    method: boolean(false),
    // Needs a function, which a file cannot hold.
    clientAddress: { ...boolean(false), form: { kind: 'function', default: false } },
  }),
  clientAddress: callback(),
  credentials,
  tokenFormat: oneOf('token68', 'visible-ascii', 'text'),
  identity: oneOf('optional', 'required'),
  tenantField,
  tenant,
  authorize: callback(),
  routePolicy,
  scopeImplies: callback(),
  resource,
  timeoutMs: milliseconds({ default: 5000, min: 1, max: 60_000 }),
  retry: orFalse(
    group<RetryConfig>(
      {
        attempts: integer({ default: 1, min: 0, max: 5 }),
        minDelayMs: milliseconds({ default: 50, min: 0, max: 60_000 }),
        maxDelayMs: milliseconds({ default: 250, min: 0, max: 60_000 }),
      },
      orderDelays,
    ),
  ),
  circuitBreaker: orFalse(
    group<CircuitBreakerConfig>({
      minChecks: integer({ default: 10, min: 1, max: 10_000 }),
      failureRatio: ratio(0.5),
      windowMs: milliseconds({ default: 10_000, min: 1000, max: 600_000 }),
      openMs: milliseconds({ default: 5000, min: 100, max: 600_000 }),
    }),
  ),
  concurrency: group<ConcurrencyConfig>({
    maxInFlight: integer({ default: 64, min: 1, max: 10_000 }),
    maxWaiting: integer({ default: 1024, min: 0, max: 100_000 }),
  }),
  cache: orFalse(
    group<CacheConfig>({
      allowTtlMs: milliseconds({ default: 30_000, min: 0, max: 3_600_000 }),
      denyTtlMs: milliseconds({ default: 5000, min: 0, max: 30_000 }),
      staleIfErrorMs: milliseconds({ default: 0, min: 0, max: 300_000 }),
      maxEntries: integer({ default: 10_000, min: 1, max: 1_000_000 }),
      maxBytes: integer({ default: 2 ** 25, min: 2 ** 16, max: 2 ** 30 }),
    }),
    false,
  ),
  store,
  unavailableStatus: oneOf(401, 503),
  public: publicPaths,
  preflight: oneOf('deny', 'allow'),
  mode: oneOf('enforce', 'shadow'),
  realm,
  requestIdHeader,
  onEvent: callback(),
  respond: callback(),
  fetch: callback(),
}

function isStore(value: unknown): value is DecisionStore {
  return typeof value === 'object' && value !== null && 'stamp' in value && 'stop' in value
}

function orderDelays(
  ...[options, given, path]: Parameters<Rule<RetryConfig>>
): Partial<RetryConfig> {
  const { minDelayMs = 0, maxDelayMs = minDelayMs } = options
  if (maxDelayMs >= minDelayMs) return options
  if (given.maxDelayMs === undefined) return { ...options, maxDelayMs: minDelayMs }
  throw invalidOption([...path, 'maxDelayMs'], maxDelayMs, 'at least `retry.minDelayMs`')
}
