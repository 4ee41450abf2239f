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
  valueThat,
} from './kinds.ts'
import {
  invalidOption,
  isOptionsObject,
  misusedOption,
  parseHeaderName,
  fitsChallenge,
} from './option-checks.ts'
import { ADDRESS_FUNCTION, callOf } from './replaced.ts'
import { PartitionedCache } from '../decision-store.ts'
import { publicPaths } from './public-paths.ts'
import { tenant, tenantField } from './tenant.ts'
import { verifier } from './verifier.ts'
import type {
  AuthConfig,
  CircuitBreakerConfig,
  ConcurrencyConfig,
  CredentialsSource,
  RetryConfig,
} from '../auth-config.ts'
import { GuardedResource } from '../resource.ts'
import type { ProtectedResource } from '../resource.ts'
import type { Access } from '../types.ts'
import type { ReadsConfig, ContextConfig, Transport } from '../verifier.ts'
import type { DecisionCache } from '../decision-store.ts'
import type { CheckedVerifier } from '../endpoint/checked-verifier.ts'
import type { Fields, Kind } from './kinds.ts'
import type { PublicRule } from './public-paths.ts'

type ClientAddress = Required<ContextConfig>['clientAddress']

/** The options whose parsed type is not `Filled`. */
interface Changed {
  readonly cache: false | PartitionedCache
  readonly resource: false | GuardedResource
  /** `undefined` if the environment of the first request names it, or if `verifier` replaces it. */
  readonly endpoint: string | undefined
  readonly verifier: CheckedVerifier | undefined
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

const TOLD: Fields<Omit<ReadsConfig, 'clientAddress'>> = {
  headers: contextHeaders,
  params: oneOf('values', 'lists', 'none'),
  path: boolean(true),
  method: boolean(false),
}

/** What a verifier reads of a request. */
export const READS: Kind<ReadsConfig, Required<ReadsConfig>> = group<ReadsConfig>({
  ...TOLD,
  clientAddress: boolean(false),
})

/** In place of a function that was not given. */
export const NO_ADDRESS: ClientAddress = () => undefined

const clientAddress: Kind<ClientAddress> = valueThat(
  (value): value is ClientAddress => typeof value === 'function',
  ADDRESS_FUNCTION,
  { kind: 'function', default: NO_ADDRESS },
)

const cache: Kind<false | DecisionCache, false | PartitionedCache> = {
  form: { kind: 'function', canBeFalse: true, default: false },
  parse: (value = false, path) => {
    if (value === false || value instanceof PartitionedCache) return value
    if (isOptionsObject(value)) {
      throw misusedOption(path, `made by a function: cache: ${callOf('memoryCache', value)}`)
    }
    const expected = 'false, or a cache that memoryCache() of this copy of with-auth has made'
    throw invalidOption(path, value, expected)
  },
}

const resource: Kind<false | ProtectedResource, false | GuardedResource> = {
  form: { kind: 'function', canBeFalse: true, default: false },
  parse: (value = false, path) => {
    if (value === false || value instanceof GuardedResource) return value
    if (isOptionsObject(value)) {
      throw misusedOption(
        path,
        `made by a function: resource: ${callOf('protectedResource', value)}`,
      )
    }
    const expected =
      'false, or a resource that protectedResource() of this copy of with-auth/mcp has made'
    throw invalidOption(path, value, expected)
  },
}

const fetch: Kind<Transport, Transport | undefined> = {
  form: { kind: 'function' },
  parse: (value, path) => {
    const transport = callback<Transport>().parse(value, path)
    const id: unknown = transport?.id
    if (id === undefined || (typeof id === 'string' && id !== '')) return transport
    // JSON would make the same text of two functions, and guards with them would share decisions.
    throw invalidOption([...path, 'id'], id, 'a string that is not empty')
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
  verifier,
  context: group<ContextConfig>({
    ...TOLD,
    // A file cannot hold a function, so the form has no default.
    clientAddress: { ...clientAddress, form: { kind: 'function' } },
  }),
  credentials,
  identity: oneOf('optional', 'required'),
  tenantField,
  tenant,
  authorize: callback(),
  routePolicy,
  scopeImplies: callback(),
  resource,
  timeoutMs: milliseconds({ default: 5000, min: 1, max: 60_000 }),
  retry: orFalse(group<RetryConfig>({ attempts: integer({ default: 1, min: 0, max: 5 }) })),
  circuitBreaker: orFalse(
    group<CircuitBreakerConfig>({
      openMs: milliseconds({ default: 5000, min: 100, max: 600_000 }),
    }),
  ),
  concurrency: group<ConcurrencyConfig>({
    maxInFlight: integer({ default: 64, min: 1, max: 10_000 }),
    maxWaiting: integer({ default: 1024, min: 0, max: 100_000 }),
  }),
  cache,
  unavailableStatus: oneOf(401, 503),
  public: publicPaths,
  preflight: oneOf('deny', 'allow'),
  mode: oneOf('enforce', 'shadow'),
  realm,
  requestIdHeader,
  onEvent: callback(),
  respond: callback(),
  fetch,
}
