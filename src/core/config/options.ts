import { CREDENTIALS } from './credentials.ts'
import { ENDPOINT_HEADERS } from './endpoint-headers.ts'
import { HTTP_TOKEN } from './option-checks.ts'
import { GuardedResource, PartitionedCache } from '../seams.ts'
import { PUBLIC_PATHS } from './public-paths.ts'
import { VERIFIER } from './verifier.ts'
import type { AuthConfig, CredentialsSource } from '../auth-config.ts'
import type { CheckedVerifier } from '../endpoint/checked-verifier.ts'
import type { FormOf, Table } from './form.ts'
import type { Context } from '../request/question.ts'
import type { ContextConfig } from '../verifier.ts'
import type { PublicRule } from './public-paths.ts'

/** The options whose value changes. */
interface ConvertedOptions {
  readonly cache: false | PartitionedCache
  readonly resource: false | GuardedResource
  /** `undefined` if the environment of the first request names it, or if `verifier` replaces it. */
  readonly endpoint: string | undefined
  readonly verifier: CheckedVerifier | undefined
  readonly credentials: readonly CredentialsSource[]
  readonly public: readonly PublicRule[]
}

/** A list stays the same, a function may be left out, and a group has all its options. */
type WithDefaults<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends (...args: never) => unknown
    ? Value | undefined
    : Value extends object
      ? Required<Value>
      : Value

/** The options with their defaults, each as its form parses it. */
export type ParsedOptions = {
  readonly [Name in keyof AuthConfig]-?: Name extends keyof ConvertedOptions
    ? ConvertedOptions[Name]
    : WithDefaults<NonNullable<AuthConfig[Name]>>
}

/** The name of a header, in lower case. */
export const HEADER: FormOf<string | undefined> = {
  kind: 'text',
  pattern: HTTP_TOKEN,
  isName: true,
  expected: 'a header name',
}

const TOLD: Table<Omit<Context, 'clientAddress'>> = {
  headers: {
    kind: 'list',
    default: 'all',
    also: ['all'],
    items: HEADER,
    canBeEmpty: true,
    expected: '"all" or a list of names',
  },
  params: { kind: 'choice', choices: ['values', 'lists', 'none'], default: 'values' },
  path: { kind: 'boolean', default: true },
  method: { kind: 'boolean', default: false },
}

/** The parts of a request that a verifier reads. */
export const READS: Table<Context> = {
  ...TOLD,
  clientAddress: { kind: 'boolean', default: false },
}

/** The form of `context.clientAddress`. */
export const ADDRESS: string = 'context: { clientAddress: (request, ...args) => address }'

/** In place of a function that was not given. */
export const NO_ADDRESS: Required<ContextConfig>['clientAddress'] = () => undefined

export const CONTEXT: Table<Required<ContextConfig>> = {
  ...TOLD,
  clientAddress: {
    kind: 'function',
    default: NO_ADDRESS,
    neverUndefined: true,
    expected: `a function that returns the address of the client: ${ADDRESS}`,
  },
}

/** The rule for `requestIdHeader`. */
export const REQUEST_ID = 'false, or the name of a header that holds no credentials'

/** Every option with its kind, range and default. A missing, misspelt or wrongly typed one does not compile. */
export const OPTIONS: Table<ParsedOptions> = {
  endpoint: { kind: 'url' },
  allowInsecureHttp: { kind: 'boolean', default: false },
  endpointHeaders: ENDPOINT_HEADERS,
  verifier: VERIFIER,
  context: { kind: 'group', default: {}, fields: CONTEXT },
  credentials: CREDENTIALS,
  identity: { kind: 'choice', choices: ['optional', 'required'], default: 'optional' },
  authorize: { kind: 'function', neverUndefined: true },
  // A list of rules has a check of its own, which the core does not hold.
  routePolicy: {
    kind: 'function',
    neverUndefined: true,
    expected: 'what `routePolicy()` of with-auth/access returns',
  },
  scopeImplies: { kind: 'function' },
  resource: {
    kind: 'made',
    type: GuardedResource,
    default: false,
    also: [false],
    noun: 'a resource',
    by: 'protectedResource',
    entry: 'with-auth/mcp',
  },
  timeoutMs: { kind: 'milliseconds', default: 5000, min: 1, max: 60_000 },
  retry: {
    kind: 'group',
    default: {},
    also: [false],
    fields: { attempts: { kind: 'integer', default: 1, min: 0, max: 5 } },
  },
  circuitBreaker: {
    kind: 'group',
    default: {},
    also: [false],
    fields: { openMs: { kind: 'milliseconds', default: 5000, min: 100, max: 600_000 } },
  },
  concurrency: {
    kind: 'group',
    default: {},
    fields: {
      maxInFlight: { kind: 'integer', default: 64, min: 1, max: 10_000 },
      maxWaiting: { kind: 'integer', default: 1024, min: 0, max: 100_000 },
    },
  },
  cache: {
    kind: 'made',
    type: PartitionedCache,
    default: false,
    also: [false],
    noun: 'a cache',
    by: 'memoryCache',
    entry: 'with-auth',
  },
  unavailableStatus: { kind: 'choice', choices: [401, 503], default: 401 },
  public: PUBLIC_PATHS,
  preflight: { kind: 'choice', choices: ['deny', 'allow'], default: 'deny' },
  mode: { kind: 'choice', choices: ['enforce', 'shadow'], default: 'enforce' },
  realm: {
    kind: 'text',
    default: 'api',
    // Clients find the parameters of a challenge by patterns that would match inside another parameter too.
    pattern: /^(?!.*(?:scope|error|resource_metadata)=)[\x20-\x7e]+$/i,
    expected:
      'a non-empty string of printable ASCII, without "scope=", "error=" and "resource_metadata="',
  },
  // Its value goes into events and logs, so a header that may hold a token is none.
  requestIdHeader: {
    kind: 'text',
    default: false,
    also: [false],
    pattern:
      /^(?!(?:authorization|cookie|proxy-authorization|sec-websocket-protocol)$)[\w!#$%&'*+.^`|~-]+$/i,
    isName: true,
    expected: REQUEST_ID,
  },
  onEvent: { kind: 'function' },
  respond: { kind: 'function' },
  fetch: { kind: 'function' },
}
