import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { shownOf } from '../explain/providers.ts'
import { hideSecrets, showDuration } from '../explain/shown-fact.ts'
import { showUrl } from '../shown-value.ts'
import { checkEndpoint } from './endpoint.ts'
import { closeKeys, openFile, providersOf, secretsIn } from './file.ts'
import { warning } from './finding.ts'
import { checkKeys } from './keys.ts'
import { checkRules } from './rules.ts'
import { SERVICES } from './services.ts'
import { checkStore } from './store.ts'
import { checkWarnings } from './warnings.ts'
import type { RouteRule } from '../../access/rules.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { KeyReport } from '../../keys.ts'
import type { TextOptions } from '../../yaml/parsed-file.ts'
import type { Provider } from '../../yaml/providers/section.ts'
import type { Values } from '../../yaml/values.ts'
import type { Watched } from '../explain/watch.ts'
import type { OpenedFile } from './file.ts'
import type { Finding } from './finding.ts'
import type { Attributes, Values as RuleValues } from './rules.ts'

export interface CheckOptions {
  readonly reading: Omit<TextOptions, 'path'>
  /** For each answer. */
  readonly timeoutMs: number
  /** A valid key, for an auth endpoint. */
  readonly key: string | undefined
}

/** Looks at everything that can be wrong before the first token, in the order of the file. Writes nothing. */
export async function checkFile(file: string, options: CheckOptions): Promise<readonly Finding[]> {
  const opened = await openFile(file, options.reading)
  if (!('section' in opened)) return opened
  try {
    const found = [...(await checkOpened(opened, options)), ...checkWarnings(opened)]
    const secrets = [...secretsIn(opened), ...opened.watch.secrets(), options.key ?? '']
    // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
    const sorted = found.sort((one, other) => one.line - other.line)
    return sorted.map((one) => hideIn(one, secrets))
  } finally {
    await closeKeys(opened.keys)
  }
}

/** Its other members have words of this program, such as `error`. A secret may be the same word. */
function hideIn(finding: Finding, secrets: readonly string[]): Finding {
  const { says, change } = finding
  // They have the same members after that.
  const texts = hideSecrets({ says, change }, secrets) as Pick<Finding, 'says' | 'change'>
  return { ...finding, ...texts }
}

async function checkOpened(file: OpenedFile, options: CheckOptions): Promise<readonly Finding[]> {
  const { section, at, resolved } = file
  const { store, routePolicy } = section.options
  const keys = new Map<Provider, readonly KeyReport[] | undefined>()
  const found = await Promise.all([
    ...(section.deciders === undefined ? [checkOwnEndpoint(file, options)] : []),
    ...providersOf(file).map((provider) => checkProvider(provider, file, options, keys)),
    ...(store === undefined ? [] : [checkStore(store, at(['store', 'url']), options.timeoutMs)]),
  ])
  const ofRules = checkRules({
    // The file was read, so they are rules.
    rules: (routePolicy ?? []) as readonly RouteRule[],
    isPublic: resolved.public,
    attributes: attributesOf(file, keys),
    areFromKeys: keys.size > 0,
    at: (rule) => at(['routePolicy', rule]),
  })
  return [...found.flat(), ...ofRules]
}

function checkOwnEndpoint(
  { section, at, resolved }: OpenedFile,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const needsPrincipal = resolved.identity === 'required'
  return askEndpoint(section.options, at(['endpoint']), needsPrincipal, options)
}

function askEndpoint(
  { endpoint, endpointHeaders }: Values,
  place: ReturnType<OpenedFile['at']>,
  needsPrincipal: boolean,
  { timeoutMs, key }: CheckOptions,
): Promise<readonly Finding[]> {
  const given = Object.entries(Object(endpointHeaders))
  const headers = Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
  return checkEndpoint(
    { url: String(endpoint), headers, timeoutMs },
    { place, key, needsPrincipal },
  )
}

async function checkProvider(
  provider: Provider,
  file: OpenedFile,
  options: CheckOptions,
  keys: Map<Provider, readonly KeyReport[] | undefined>,
): Promise<readonly Finding[]> {
  const { name, values, path, origin } = provider
  const at = (...within: OptionPath): ReturnType<OpenedFile['at']> => file.at([...path, ...within])
  if (name === 'custom') return askEndpoint(values, at('endpoint'), true, options)
  if (name === 'api_keys') {
    const index = providersOf(file)
      .filter((one) => one.name === name)
      .indexOf(provider)
    const source = file.keys[index]
    if (source === undefined) return []
    const { findings, all } = await checkKeys(source, String(values['file']), at('file'))
    keys.set(provider, all)
    return findings
  }
  const watched = file.watch.all().find(({ key }) => key === origin.key)
  const check = SERVICES[name]
  if (watched === undefined || check === undefined) return []
  const transport = file.transports.get(origin.key) ?? runtimeFetch
  const { timeoutMs } = options
  const found = await check({ values, shown: shownOf(watched), watched, transport, timeoutMs, at })
  // The keys of an issuer are fetched in a time of their own.
  const isAskedEachTime = name !== 'oauth2_token' || values['introspection'] !== undefined
  return isAskedEachTime ? [...found, ...checkDuration(watched, file)] : found
}

function checkDuration({ calls }: Watched, { at, resolved }: OpenedFile): readonly Finding[] {
  const { url, status, durationMs = 0 } = calls.at(-1) ?? {}
  if (url === undefined || status === undefined || durationMs <= resolved.timeoutMs) return []
  const took = `${showUrl(url)} took ${showDuration(durationMs)}`
  const says = `${took}, and a check has ${showDuration(resolved.timeoutMs)}: such a request is rejected.`
  return [warning(at(['timeoutMs']), says, 'Raise "timeout_ms", or make the service faster.')]
}

/** Kubernetes gives these beside what is mapped. */
const OF_ACCOUNTS = ['namespace', 'serviceaccount']

/** The attributes that the providers can give. */
function attributesOf(
  file: OpenedFile,
  keys: ReadonlyMap<Provider, readonly KeyReport[] | undefined>,
): Attributes {
  if (file.section.deciders === undefined) return undefined
  const all = new Map<string, RuleValues>()
  for (const provider of providersOf(file)) {
    const found = attributesBy(provider, file, keys.get(provider))
    if (found === undefined) return undefined
    for (const [name, values] of found) all.set(name, join(all.get(name), values))
  }
  return all
}

function join(some: RuleValues = new Set(), others: RuleValues): RuleValues {
  return some === 'any' || others === 'any' ? 'any' : new Set([...some, ...others])
}

function attributesBy(
  { name, origin, values }: Provider,
  { watch }: OpenedFile,
  keys: readonly KeyReport[] | undefined,
): Attributes {
  if (name === 'api_keys') return keys && attributesOfKeys(keys)
  if (name === 'upstream_header') return attributesOfHeaders(values)
  if (SERVICES[name] === undefined) return undefined
  const watched = watch.all().find(({ key }) => key === origin.key)
  const mapping = watched && readName(shownOf(watched), 'claims_mapping')
  const mapped = isRecord(mapping) ? Object.values(mapping).map(String) : []
  const given = name === 'kubernetes' ? [...mapped, ...OF_ACCOUNTS] : mapped
  return new Map(given.map((one) => [one, 'any'] as const))
}

/** With a signature there is a header of any attributes as well. */
function attributesOfHeaders(values: Values): Attributes {
  const ofAny = values['attributesHeader'] ?? values['trustedProxySignatureHeader']
  if (ofAny !== undefined) return undefined
  const forms = Object.values(Object(values['attributeHeaders']))
  const names = forms.map((form) => String(readName(form, 'attribute') ?? form))
  return new Map(names.map((one) => [one, 'any'] as const))
}

function attributesOfKeys(keys: readonly KeyReport[]): Attributes {
  const names = new Set(keys.flatMap(({ attributes }) => Object.keys(attributes)))
  const valuesOf = (name: string): ReadonlySet<string> =>
    new Set(keys.flatMap(({ attributes }) => attributes[name] ?? []))
  return new Map([...names].map((name) => [name, valuesOf(name)]))
}
