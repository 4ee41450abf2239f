import { runtimeFetch } from '../runtime.ts'
import { refuseLoggedCredentials } from './credentials.ts'
import { refuseInsecure } from './endpoint.ts'
import { namesOf, parseFields } from './kinds.ts'
import { collectOptions, isOptionsObject, misusedOption } from './option-checks.ts'
import { OPTIONS } from './options.ts'
import { Problems } from './problems.ts'
import { createPublicMatcher } from './public-paths.ts'
import type { Transport } from '../auth-config.ts'
import type { ParsedOptions } from './options.ts'
import type { PublicMatcher } from './public-paths.ts'

/** A config that was checked and whose defaults are filled in. */
export interface ResolvedConfig extends Omit<ParsedOptions, 'public' | 'fetch'> {
  readonly isPublic: PublicMatcher
  readonly hasPublicPaths: boolean
  readonly fetch: Transport
}

type Given = Partial<Record<keyof ParsedOptions, unknown>>

const NAMES = namesOf(OPTIONS)

const ENDPOINT_ONLY = ['endpoint', 'allowInsecureHttp', 'endpointHeaders', 'fetch'] as const

/** Checks a config and fills in its defaults. Throws `AuthConfigError`. Later changes to the config do nothing. */
export function resolveConfig(config: unknown): ResolvedConfig {
  const problems = new Problems()
  const given = collectOptions(config, NAMES, [], problems)
  refuseConflicts(given, problems)
  const parsed = parseFields<ParsedOptions>(OPTIONS, given, [], problems)
  checkRules(given, parsed, problems)
  problems.throwIfAny()
  // Without a problem each option has been parsed by its kind.
  const { public: rules, fetch, ...rest } = parsed as ParsedOptions
  return Object.freeze({
    // An option that was left out must not come from Object.prototype.
    __proto__: null,
    ...rest,
    isPublic: createPublicMatcher(rules),
    hasPublicPaths: rules.length > 0,
    fetch: fetch ?? runtimeFetch,
  })
}

/** Reports options that have no effect beside another, and leaves them out. */
function refuseConflicts(given: Given, problems: Problems): void {
  if (given.verifier === undefined) return
  for (const name of ENDPOINT_ONLY) {
    if (given[name] === undefined) continue
    refuse(
      name,
      'left out beside `verifier`, which takes the place of the endpoint',
      given,
      problems,
    )
  }
}

function refuse(
  name: keyof ParsedOptions,
  expected: string,
  given: Given,
  problems: Problems,
): void {
  delete given[name]
  problems.attempt(() => {
    throw misusedOption([name], expected)
  })
}

/** Checks what options say together, where each alone is right. */
function checkRules(given: Given, parsed: Partial<ParsedOptions>, problems: Problems): void {
  const { endpoint, allowInsecureHttp, context, requestIdHeader, credentials } = parsed
  if (endpoint !== undefined && allowInsecureHttp === false) {
    problems.attempt(() => refuseInsecure(endpoint))
  }
  if (isOptionsObject(given.cache) && context?.headers === 'all') {
    problems.attempt(refuseCache)
  }
  if (typeof requestIdHeader === 'string' && credentials !== undefined) {
    const check = (): void =>
      refuseLoggedCredentials(requestIdHeader, credentials, given.requestIdHeader)
    problems.attempt(check)
  }
}

function refuseCache(): never {
  throw misusedOption(
    ['cache'],
    'false unless `context.headers` is a list: a cached decision is for requests that tell the endpoint the same, and ' +
      'with all headers no two requests do. List the headers that your endpoint decides by, such as ' +
      'context: { headers: [] } if it decides by the token alone',
  )
}
