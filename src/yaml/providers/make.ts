import { misusedOption } from '../../core/config/option-checks.ts'
import { OPTIONS } from '../../core/config/options.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { firstOf } from '../../verifiers/first-of/first-of.ts'
import { addProblems } from '../settings-check.ts'
import { valuesOf } from '../setting.ts'
import { FALL_THROUGH } from './deciders.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { Transport, Verifier } from '../../core/verifier.ts'
import type { Findings } from '../problems.ts'
import type { Setting, Settings } from '../setting.ts'
import type { Deciders } from './deciders.ts'
import type { Files, MakeJwt } from './kinds/provider.ts'
import type { Provider } from './section.ts'

/** The parts of this runtime that providers may need. */
export interface Means {
  /** `undefined` if it is not loaded. */
  readonly jwt: MakeJwt | undefined
  /** `undefined` for a text. */
  readonly files: Files | undefined
}

/** The part of a config that decides. */
export type Part = AuthConfig & { readonly verifier: Verifier }

type Shared = ReturnType<typeof sharedOptions>

type MadeProvider = ReturnType<Provider['type']['make']>

/** The options of `server.auth` that providers get too. A wrong one is left out, and reported by the check of the config. */
function sharedOptions(settings: Settings) {
  const valid = <Name extends keyof typeof OPTIONS>(name: Name) => {
    const value = settings.get(name)?.value
    return value !== undefined && isValid(() => OPTIONS[name].parse(value, [name]))
      ? { [name]: value }
      : {}
  }
  return {
    allowInsecureHttp: settings.get('allowInsecureHttp')?.value === true,
    forEndpoint: { ...valid('context'), ...valid('identity') },
    forAll: { ...valid('retry'), ...valid('circuitBreaker'), ...valid('concurrency') },
    isMulti: Object(settings.get('tenant')?.value).mode === 'multi',
  }
}

function transportFor(caFile: string, files: Files | undefined): Transport {
  if (files !== undefined) return files.transportFor(caFile)
  const expected =
    'left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig'
  throw misusedOption(['tlsCafile'], expected)
}

function isValid(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

/** Makes what decides, or returns `undefined` and adds the problems of the providers at their places. */
export function makePart(
  deciders: Deciders,
  settings: Settings,
  means: Means,
  findings: Findings,
): Part | undefined {
  const shared = sharedOptions(settings)
  const { providers, isList } = deciders
  const made = providers.flatMap((provider) => makeOne(provider, shared, means, findings) ?? [])
  const [first] = made
  if (first === undefined || made.length < providers.length || !findings.isEmpty()) return undefined
  return isList ? makeSeveral(made, deciders, shared, findings) : first.part
}

function makeOne(
  { name, type, setting, isOlder }: Provider,
  { allowInsecureHttp, forEndpoint, isMulti }: Shared,
  means: Means,
  findings: Findings,
): MadeProvider | undefined {
  const { children = new Map<string, Setting>(), key, place } = setting
  try {
    const caFile = children.get('tlsCafile')?.value
    const made = type.make(valuesOf(children), {
      has: (one) => children.has(one),
      quote: (one) => JSON.stringify(`${key}.${one}`),
      isOlder,
      allowInsecureHttp,
      fetch: typeof caFile === 'string' ? transportFor(caFile, means.files) : undefined,
      ...means,
      forEndpoint,
    })
    if (isMulti && made.lacksTenant !== undefined) {
      const message = `"${key}" gives no tenant, and "multi" needs one: ${made.lacksTenant}`
      findings.add(place, key, message, true)
    }
    const { verifier } = made.part
    const own = verifier.warnings?.filter((text) => text !== made.rewords) ?? []
    const warnings = [...own, ...(made.warnings ?? [])]
    const shown = { type: name, ...made.shown }
    const described = { allow_insecure_http: allowInsecureHttp, provider_config: shown }
    Object.assign(verifier, { warnings, describe: () => described })
    return { ...made, shown }
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    addProblems(error.problems, children, findings, setting)
    return undefined
  }
}

function makeSeveral(
  made: readonly MadeProvider[],
  { providers, fallThrough: given }: Deciders,
  { allowInsecureHttp, forAll }: Shared,
  findings: Findings,
): Part | undefined {
  const fallThrough = given === undefined ? false : given.value
  try {
    FALL_THROUGH.parse(fallThrough, ['fallThrough'])
  } catch (error) {
    if (!(error instanceof AuthConfigError) || given === undefined) throw error
    addProblems(error.problems, new Map([['fallThrough', given]]), findings)
    return undefined
  }
  const verifiers = made.map(({ part }) => part.verifier)
  if (fallThrough === false) rejectUnasked(verifiers, providers, findings)
  if (!findings.isEmpty()) return undefined
  const verifier = firstOf(verifiers, { ...forAll, fallThrough: fallThrough === true })
  const shown = {
    allow_insecure_http: allowInsecureHttp,
    providers: made.map((one) => one.shown),
    fall_through: fallThrough,
  }
  return { verifier: Object.assign(verifier, { describe: () => shown }) }
}

/** One that takes every token leaves none for those after it. */
function rejectUnasked(
  verifiers: readonly Verifier[],
  providers: readonly Provider[],
  findings: Findings,
): void {
  const greedy = verifiers.findIndex(({ accepts }) => accepts === undefined)
  if (greedy === -1) return
  for (const { setting } of providers.slice(greedy + 1)) {
    const before = providers[greedy]?.setting.key
    const message = `"${setting.key}" is never asked, since "${before}" takes every token: put it first, or set fall_through: true`
    findings.add(setting.place, setting.key, message, true)
  }
}
