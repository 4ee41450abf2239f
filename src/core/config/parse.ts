import { runtimeFetch } from '../endpoint/runtime-fetch.ts'
import { rejectInsecure } from './service-url.ts'
import { parse, parseFields, readTable } from './interpreter.ts'
import { foldName, invalidOption, isOptionsObject, misusedOption } from './option-checks.ts'
import { ADDRESS, NO_ADDRESS, OPTIONS, REQUEST_ID } from './options.ts'
import { Problems } from './problems.ts'
import { rejectReplaced } from './replaced.ts'
import { rejectLacking, VERIFIER } from './verifier.ts'
import type { CheckedVerifier } from '../endpoint/checked-verifier.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { Context } from '../request/question.ts'
import type { ContextConfig, Transport } from '../verifier.ts'
import type { ParsedOptions } from './options.ts'

/** A valid config with its defaults. */
export interface ResolvedConfig extends Omit<ParsedOptions, 'fetch' | 'context'> {
  readonly context: Context
  /** Returns the address of the client, also where the endpoint is not told it. */
  readonly addressOf: AddressOf | undefined
  readonly fetch: Transport
  /** Whether a token is the name of a caller, and no secret. */
  readonly namesCaller: boolean
  /** Warnings for the operator at the start. */
  readonly warnings: readonly string[]
}

/** Returns the address of the client of a request. */
export type AddressOf = Required<ContextConfig>['clientAddress']

type Parsed = Partial<ParsedOptions>

type Given = Partial<Record<keyof ParsedOptions, unknown>>

const LISTED_HEADERS =
  'false unless `context.headers` is a list: the cache compares everything that the endpoint is told, and with all headers ' +
  'no two requests are the same. List the headers that your endpoint decides by, such as context: { headers: [] } if it ' +
  'decides by the token alone'
const ENDPOINT_ONLY = ['endpoint', 'allowInsecureHttp', 'endpointHeaders', 'fetch'] as const

/**
 * Parses a config and fills in its defaults. Throws `AuthConfigError`. Later changes to the config have no effect.
 *
 * @param knownAddress Of a server that knows the address of each client. Only a verifier that reads the address is told it.
 */
export function resolveConfig(config: unknown, knownAddress?: AddressOf): ResolvedConfig {
  const problems = new Problems()
  const options = rejectReplaced(config, problems)
  const given: Given = readTable(OPTIONS, options, [], problems)
  rejectConflicts(given, problems)
  const isRead = readVerifier(given, problems)
  const parsed = parseFields(OPTIONS, given, [], problems)
  checkRules(given, parsed, problems)
  // A verifier may say which headers it reads.
  if (isRead) checkCache(given, parsed, problems)
  if (knownAddress === undefined) requireAddress(parsed, problems)
  problems.throwIfAny()
  // Without a problem each option has been parsed by its kind.
  const { fetch, context, ...rest } = parsed as ParsedOptions
  const { clientAddress, ...told } = context
  const isGiven = clientAddress !== NO_ADDRESS
  return Object.freeze({
    // An option that was left out must not come from Object.prototype.
    __proto__: null,
    ...rest,
    context: Object.freeze({
      ...told,
      clientAddress: rest.verifier?.reads?.clientAddress ?? isGiven,
    }),
    addressOf: isGiven ? clientAddress : knownAddress,
    fetch: fetch ?? runtimeFetch,
    namesCaller: namesCaller(rest),
    warnings: warningsOf(rest),
  })
}

/** A token from elsewhere may be a secret, even if the verifier denies it: then events do not show it. */
function namesCaller({ verifier, credentials }: Pick<ParsedOptions, 'verifier' | 'credentials'>) {
  if (verifier?.namesCaller !== true) return false
  return credentials.every((source) =>
    headersOf(source).some((header) => verifier.consumes.includes(header)),
  )
}

function headersOf(source: CredentialsSource): readonly string[] {
  return typeof source === 'object' && 'header' in source ? [source.header] : []
}

function warningsOf({
  resource,
  verifier,
}: Pick<ParsedOptions, 'resource' | 'verifier'>): readonly string[] {
  const ofResource = resource === false ? [] : resource.warnings(verifier)
  return [...(verifier?.warnings ?? []), ...ofResource]
}

/** Parses the verifier, and gives `context` what it reads. Returns whether there is one, or none is needed. */
function readVerifier(given: Given, problems: Problems): boolean {
  const { verifier: value, context = {} } = given
  const verifier = problems.attempt(() =>
    parse<CheckedVerifier | undefined>(VERIFIER, value, ['verifier']),
  )
  given.verifier = verifier
  if (verifier?.reads !== undefined && isOptionsObject(context)) {
    const { clientAddress: _, ...reads } = verifier.reads
    given.context = { ...reads, ...context }
  }
  return verifier !== undefined || value === undefined
}

/** Adds a problem for each option that has no effect beside `verifier`, and removes the option. */
function rejectConflicts(given: Given, problems: Problems): void {
  if (given.verifier === undefined) return
  for (const name of ENDPOINT_ONLY) {
    if (given[name] === undefined) continue
    delete given[name]
    problems.add(misusedOption([name], 'left out beside `verifier`, which replaces the endpoint'))
  }
}

/** Checks combinations of options that are valid one by one. */
function checkRules(given: Given, parsed: Parsed, problems: Problems): void {
  const { endpoint, allowInsecureHttp, requestIdHeader, credentials, verifier, context } = parsed
  if (verifier?.reads && context) rejectLacking(verifier.reads, context, problems)
  const id: unknown = parsed.fetch?.id
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    // JSON would make the same text of two functions, and guards with them would share decisions.
    problems.add(invalidOption(['fetch', 'id'], id, 'a string that is not empty'))
  }
  if (parsed.resource && credentials?.includes('bearer') === false) {
    // Only a bearer token has a scheme that the challenge can name.
    problems.add(misusedOption(['credentials'], '"bearer", or a list with it, beside `resource`'))
  }
  if (endpoint !== undefined && allowInsecureHttp === false) {
    problems.attempt(() => rejectInsecure(endpoint, ['endpoint']))
  }
  const secret = [...(credentials ?? []).flatMap(headersOf), ...(verifier?.consumes ?? [])]
  // Some server mixes them up.
  if (requestIdHeader && secret.map(foldName).includes(foldName(requestIdHeader))) {
    problems.add(invalidOption(['requestIdHeader'], given.requestIdHeader, REQUEST_ID))
  }
}

function requireAddress({ verifier, context }: Parsed, problems: Problems): void {
  if (verifier?.reads?.clientAddress !== true || context?.clientAddress !== NO_ADDRESS) return
  const expected = `given, since the verifier reads it: ${ADDRESS}`
  problems.add(misusedOption(['context', 'clientAddress'], expected))
}

function checkCache({ cache }: Given, parsed: Parsed, problems: Problems): void {
  const { context, fetch, verifier } = parsed
  if (!isOptionsObject(cache) && !parsed.cache) return
  if (context?.headers === 'all') problems.add(misusedOption(['cache'], LISTED_HEADERS))
  const shared = parsed.cache ? parsed.cache.store?.shared : undefined
  if (shared === undefined) return
  const id = verifier === undefined ? (fetch ?? runtimeFetch).id : verifier.id
  if (id !== undefined) return
  const own = verifier === undefined ? 'function of `fetch`' : 'verifier'
  const expected = `false, since the ${own} has no id: by an id instances know whose verdicts they share`
  problems.add(misusedOption(['cache', 'store', 'shareVerdicts'], expected))
}
