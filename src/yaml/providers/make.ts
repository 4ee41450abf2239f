import { misusedOption } from '../../core/config/option-checks.ts'
import { parse } from '../../core/config/interpreter.ts'
import { OPTIONS } from '../../core/config/options.ts'
import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { readName } from '../../core/endpoint/claim-path.ts'
import { parseVerifier } from '../../core/config/verifier.ts'
import { redefine } from '../../verifiers/define-verifier.ts'
import { defineFirstOf } from '../../verifiers/first-of/first-of.ts'
import { attempt, rejectOption } from '../option-problems.ts'
import { MASKED } from '../problems.ts'
import { rangeOf } from '../tree.ts'
import { keyOf } from '../values.ts'
import { FALL_THROUGH } from './deciders.ts'
import { speakingOfKeys } from './kinds/renamed.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { Transport, Verifier } from '../../core/verifier.ts'
import type { AuthSection } from '../auth-section.ts'
import type { Reading } from '../origins.ts'
import type { Values } from '../values.ts'
import type { Deciders } from './deciders.ts'
import type { Files, MakeJwt } from './kinds/provider.ts'
import type { Provider } from './section.ts'

/** Sees what providers ask and decide. Each is known by its key, such as `server.auth.provider_config`. */
export interface ProviderWatch {
  readonly transport: (key: string, transport: Transport) => Transport
  readonly verifier: (key: string, verifier: CheckedVerifier) => CheckedVerifier
}

/** The parts of this runtime that providers may need. */
export interface Means {
  /** `undefined` if it is not loaded. */
  readonly jwt: MakeJwt | undefined
  /** `undefined` for a text. */
  readonly files: Files | undefined
  readonly watch?: ProviderWatch | undefined
}

/** The part of a config that decides. */
export type Part = AuthConfig & { readonly verifier: Verifier }

type Shared = ReturnType<typeof sharedOptions> & { readonly hasRules: boolean }

type MadeProvider = NonNullable<ReturnType<Provider['type']['make']>>

/** The options of `server.auth` that providers get too. A wrong one is left out, and reported by the check of the config. */
function sharedOptions(options: Values) {
  const valid = <Name extends keyof typeof OPTIONS>(name: Name) => {
    const value = options[name]
    return value !== undefined &&
      isValid(() => parse<unknown>(OPTIONS[name] as never, value, [name]))
      ? { [name]: value }
      : {}
  }
  return {
    allowInsecureHttp: options['allowInsecureHttp'] === true,
    forEndpoint: { ...valid('context'), ...valid('identity') },
    forAll: { ...valid('retry'), ...valid('circuitBreaker'), ...valid('concurrency') },
    isMulti: readName(options['tenant'], 'mode') === 'multi',
  }
}

function transportFor(caFile: string, files: Files | undefined): Transport {
  if (files !== undefined) return files.transportFor(caFile)
  const expected =
    'left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig'
  throw misusedOption(['tlsCafile'], expected)
}

function isValid(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

/** Makes what decides, or returns `undefined` and adds the problems of the providers at their places. */
export function makePart(
  deciders: Deciders,
  { options, reading }: AuthSection,
  means: Means,
): Part | undefined {
  const { providers, isList, hasAccessPolicy } = deciders
  const hasRules = hasAccessPolicy || options['routePolicy'] !== undefined
  const shared = { ...sharedOptions(options), hasRules }
  const made = providers.map((provider) => makeOne(provider, shared, means, reading))
  return isList ? makeSeveral(made, deciders, shared, reading) : made[0]?.part
}

function makeOne(
  { name, type, values, path, origin, isOlder }: Provider,
  { allowInsecureHttp, forEndpoint, isMulti, hasRules }: Shared,
  means: Means,
  reading: Reading,
): MadeProvider | undefined {
  const { findings } = reading
  const { key } = origin
  const has = (one: string): boolean =>
    values[one] !== undefined || findings.has(`${key}.${keyOf(one)}`)
  const quote = (one: string): string => JSON.stringify(`${key}.${one}`)
  const attemptHere = <Value>(make: () => Value): Value | undefined => attempt(make, reading, path)
  const advice = isMulti ? type.lacksTenant(has) : undefined
  if (advice !== undefined) {
    const message = `"${key}" gives no tenant, and "multi" needs one: ${advice}`
    findings.add(rangeOf(origin.node), key, message, MASKED)
  }
  const caFile = values['tlsCafile']
  const made = type.make(values, {
    has,
    quote,
    isOlder,
    hasRules,
    allowInsecureHttp,
    fetch:
      typeof caFile === 'string' ? attemptHere(() => transportFor(caFile, means.files)) : undefined,
    ...means,
    watched: (fetch) => means.watch?.transport(key, fetch ?? runtimeFetch) ?? fetch,
    forEndpoint,
    attempt: attemptHere,
    reject: (option, expected) => rejectOption(option, expected, reading, path),
  })
  if (made === undefined || findings.has(key)) return undefined
  const { names, part } = made
  const given = parseVerifier(part.verifier, ['verifier'])
  const own = given.warnings.filter((text) => text !== made.rewords)
  const warnings = [...own.map(nameInsecureKey), ...(made.warnings ?? [])]
  const shown = { type: name, ...made.shown }
  const described = { allow_insecure_http: allowInsecureHttp, provider_config: shown }
  const named = names ? speakingOfKeys(given, names, quote) : given
  const verifier = redefine(named, { warnings, describe: () => described })
  const watched = means.watch?.verifier(key, verifier) ?? verifier
  return { ...made, part: { ...part, verifier: watched }, shown }
}

/** The key that all providers share. */
function nameInsecureKey(warning: string): string {
  return warning.replace('"allowInsecureHttp"', '"server.auth.allow_insecure_http"')
}

function makeSeveral(
  made: readonly (MadeProvider | undefined)[],
  { providers, fallThrough: given }: Deciders,
  { allowInsecureHttp, forAll }: Shared,
  reading: Reading,
): Part | undefined {
  const { findings } = reading
  const fallThrough = attempt(() => parse<boolean>(FALL_THROUGH, given, ['fallThrough']), reading)
  if (fallThrough === false) rejectUnasked(made, providers, findings)
  if (!findings.isEmpty()) return undefined
  const all = made.flatMap((one) => one ?? [])
  const verifiers = all.map(({ part }) => part.verifier)
  const verifier = defineFirstOf(verifiers, { ...forAll, fallThrough: fallThrough === true })
  const shown = {
    allow_insecure_http: allowInsecureHttp,
    providers: all.map((one) => one.shown),
    fall_through: fallThrough,
  }
  return { verifier: redefine(verifier, { describe: () => shown }) }
}

/** One that takes every token leaves none for those after it. */
function rejectUnasked(
  made: readonly (MadeProvider | undefined)[],
  providers: readonly Provider[],
  findings: Reading['findings'],
): void {
  const greedy = made.findIndex(
    (one) => one !== undefined && one.part.verifier.accepts === undefined,
  )
  if (greedy === -1) return
  for (const { origin } of providers.slice(greedy + 1)) {
    const { key, node } = origin
    const before = providers[greedy]?.origin.key
    const message = `"${key}" is never asked, since "${before}" takes every token: put it first, or set fall_through: true`
    findings.add(rangeOf(node), key, message, MASKED)
  }
}
