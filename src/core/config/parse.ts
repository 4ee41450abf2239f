import { checkContext } from './context.ts'
import { checkCredentials, checkRequestIdHeader } from './credentials.ts'
import { checkEndpoint, checkEndpointHeaders } from './endpoint.ts'
import { AuthConfigError } from '../errors.ts'
import {
  checkBoolean,
  checkFunction,
  checkMilliseconds,
  checkOneOf,
  invalidOption,
  readOptions,
} from './option-checks.ts'
import { checkCache, checkCircuitBreaker, checkConcurrency, checkRetry } from './policies.ts'
import { createPublicMatcher } from './public-paths.ts'
import { runtimeFetch } from '../runtime.ts'
import type { Context } from '../request/question.ts'
import type { TokenFormat } from '../request/credentials.ts'
import type { PublicMatcher } from './public-paths.ts'
import type {
  AuthConfig,
  CacheConfig,
  CircuitBreakerConfig,
  ConcurrencyConfig,
  CredentialsSource,
  CustomVerifier,
  RetryConfig,
  Transport,
} from '../auth-config.ts'

/** A config that was checked and whose defaults are filled in. */
export interface ResolvedConfig {
  /** Absent when it has to come from the environment of the first request, or when a verifier takes its place. */
  readonly endpoint: string | undefined
  readonly allowInsecureHttp: boolean
  readonly endpointHeaders: Readonly<Record<string, string>>
  readonly verifier: CustomVerifier | undefined
  readonly context: Context
  readonly credentials: readonly CredentialsSource[]
  readonly tokenFormat: TokenFormat
  readonly identity: 'optional' | 'required'
  readonly timeoutMs: number
  readonly retry: Required<RetryConfig> | false
  readonly circuitBreaker: Required<CircuitBreakerConfig> | false
  readonly concurrency: Required<ConcurrencyConfig>
  readonly cache: Required<CacheConfig> | false
  readonly unavailableStatus: 401 | 503
  readonly isPublic: PublicMatcher
  readonly hasPublicPaths: boolean
  readonly preflight: 'deny' | 'allow'
  readonly mode: 'enforce' | 'shadow'
  readonly realm: string
  readonly requestIdHeader: string | false
  readonly onEvent: AuthConfig['onEvent']
  readonly respond: AuthConfig['respond']
  readonly fetch: Transport
}

const OPTIONS = [
  'endpoint',
  'allowInsecureHttp',
  'endpointHeaders',
  'verifier',
  'context',
  'credentials',
  'tokenFormat',
  'identity',
  'timeoutMs',
  'retry',
  'circuitBreaker',
  'concurrency',
  'cache',
  'unavailableStatus',
  'public',
  'preflight',
  'mode',
  'realm',
  'requestIdHeader',
  'onEvent',
  'respond',
  'fetch',
] as const satisfies readonly (keyof AuthConfig)[]

type Options = Partial<Record<(typeof OPTIONS)[number], unknown>>

const ENDPOINT_ONLY = ['endpoint', 'allowInsecureHttp', 'endpointHeaders', 'fetch'] as const

/** Checks a config and fills in its defaults. Throws `AuthConfigError`. Later changes to the config do nothing. */
export function resolveConfig(config: unknown): ResolvedConfig {
  const options = readOptions(config, OPTIONS)
  refuseConflicts(options)
  const context = checkContext(options.context ?? {})
  const credentials = checkCredentials(options.credentials ?? 'bearer')
  const allowInsecureHttp = checkBoolean('allowInsecureHttp', options.allowInsecureHttp ?? false)
  return Object.freeze({
    allowInsecureHttp,
    endpoint: ifGiven(options.endpoint, (value) => checkEndpoint(value, allowInsecureHttp)),
    endpointHeaders: checkEndpointHeaders(options.endpointHeaders ?? {}),
    verifier: functionIfGiven<CustomVerifier>('verifier', options.verifier),
    context,
    credentials,
    ...checkModes(options),
    timeoutMs: checkMilliseconds('timeoutMs', options.timeoutMs ?? 5000, 1, 60_000),
    retry: checkRetry(options.retry ?? {}),
    circuitBreaker: checkCircuitBreaker(options.circuitBreaker ?? {}),
    concurrency: checkConcurrency(options.concurrency ?? {}),
    cache: checkCache(options.cache ?? false, context),
    isPublic: createPublicMatcher(options.public ?? []),
    hasPublicPaths: Array.isArray(options.public) && options.public.length > 0,
    realm: checkRealm(options.realm ?? 'api'),
    requestIdHeader: checkRequestIdHeader(options.requestIdHeader ?? false, credentials),
    onEvent: functionIfGiven<NonNullable<AuthConfig['onEvent']>>('onEvent', options.onEvent),
    respond: functionIfGiven<NonNullable<AuthConfig['respond']>>('respond', options.respond),
    fetch: functionIfGiven<Transport>('fetch', options.fetch) ?? runtimeFetch,
  })
}

function checkModes(options: Options) {
  return {
    tokenFormat: checkOneOf('tokenFormat', options.tokenFormat ?? 'token68', [
      'token68',
      'visible-ascii',
    ]),
    identity: checkOneOf('identity', options.identity ?? 'optional', ['optional', 'required']),
    unavailableStatus: checkOneOf(
      'unavailableStatus',
      options.unavailableStatus ?? 401,
      [401, 503],
    ),
    preflight: checkOneOf('preflight', options.preflight ?? 'deny', ['deny', 'allow']),
    mode: checkOneOf('mode', options.mode ?? 'enforce', ['enforce', 'shadow']),
  } satisfies Partial<ResolvedConfig>
}

function refuseConflicts(options: Options): void {
  if (options.verifier === undefined) return
  for (const option of ENDPOINT_ONLY) {
    if (options[option] === undefined) continue
    throw new AuthConfigError(
      option,
      `"${option}" has no effect beside "verifier": give one of them`,
    )
  }
}

function checkRealm(value: unknown): string {
  if (typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)) return value
  throw invalidOption('realm', value, 'a non-empty string of printable ASCII')
}

function functionIfGiven<Fn>(option: string, value: unknown): Fn | undefined {
  return ifGiven(value, (given) => checkFunction<Fn>(option, given))
}

function ifGiven<Value>(value: unknown, check: (value: unknown) => Value): Value | undefined {
  return value === undefined ? undefined : check(value)
}
