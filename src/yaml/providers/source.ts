import { createPolicy } from '../../access/policy.ts'
import { invalidOption, isOptionsObject } from '../../core/config/option-checks.ts'
import { OPTIONS } from '../../core/config/options.ts'
import { createResource } from '../../mcp/protected-resource.ts'
import { valuesOf } from '../setting.ts'
import { attempt } from '../settings-check.ts'
import { fingerprint } from '../watch.ts'
import { makePart } from './make.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { ProtectedResource } from '../../core/resource.ts'
import type { AuthSection } from '../auth-section.ts'
import type { Findings } from '../problems.ts'
import type { Settings } from '../setting.ts'
import type { Deciders } from './deciders.ts'
import type { Means, Part } from './make.ts'

/** The config of a section. */
export interface Decided {
  readonly config: AuthConfig
  /** Differs between sections whose providers differ. `undefined` without providers. */
  readonly print?: string
  /** Keeps what was made for the next section. Called once the whole config is right. */
  readonly keep: () => void
}

/** Options that go to a provider, beside the keys of the provider itself. */
const GO_TO_PROVIDERS = [
  'allowInsecureHttp',
  'context',
  'identity',
  'tenant',
  'retry',
  'circuitBreaker',
  'concurrency',
]

// Only for a config that has a problem already.
const STAND_IN: Part = {
  verifier: Object.assign(() => ({ outcome: 'deny' }) as const, { reads: {}, id: 'none' }),
}

/** Makes what decides, and the same again while its section stays the same: it has fetched keys and connections. */
export class ProviderSource {
  #made: { readonly print: string; readonly part: Part } | undefined

  /** Adds the problems of providers. Those of other options are found by a check of the config. */
  decide({ settings, deciders }: AuthSection, means: Means, findings: Findings): Decided {
    // The sections of the cache and its store are checked where the cache is made.
    const { cache: _, store: _s, routePolicy: _p, resource: _r, ...others } = valuesOf(settings)
    const unread = deciders === undefined ? [] : unreadBeside(deciders, settings)
    const names = unread.flatMap((one) => one.options)
    const options: Record<string, unknown> = {
      ...others,
      ...makePolicy(settings, findings),
      ...(names.includes('resource') ? {} : makeResource(settings, findings)),
    }
    if (deciders === undefined) return { config: options, keep: () => (this.#made = undefined) }
    rejectUnread(settings, deciders, findings)
    checkInsecureHttp(settings, findings)
    for (const name of ['endpoint', 'allowInsecureHttp', ...names]) delete options[name]
    const print = printOf(settings, deciders)
    const known = this.#made?.print === print ? this.#made.part : undefined
    const part = known ?? makePart(deciders, settings, means, findings)
    return {
      config: { ...options, ...(part ?? STAND_IN) },
      print,
      keep: () => (this.#made = part && { print, part }),
    }
  }
}

// Stands in for one with a problem, so that a problem beside it is found too.
const WRONG_RESOURCE = {
  identifier: 'https://wrong.invalid/',
  authorizationServers: ['https://wrong.invalid'],
}

interface Unread {
  readonly options: readonly string[]
  /** Why they have no effect. */
  readonly why: string
}

const OF_ENDPOINT: Unread = {
  options: ['endpointHeaders', 'tenantField'],
  why: 'it is for an auth endpoint. One among "providers" has a key of that name',
}
const OF_UPSTREAM: Unread = {
  options: ['credentials', 'context'],
  why: '"upstream_header" decides that',
}
const OF_BEARER: Unread = {
  options: ['resource'],
  why: 'clients of a resource send a Bearer token, which "upstream_header" does not read',
}

/** Adds a problem for each option that has no effect beside these providers. */
function rejectUnread(settings: Settings, deciders: Deciders, findings: Findings): void {
  const unread = unreadBeside(deciders, settings).flatMap(({ options, why }) =>
    options.map((name) => ({ setting: settings.get(name), why })),
  )
  for (const { setting, why } of unread) {
    if (setting === undefined) continue
    const { key, place, isMasked } = setting
    const message = `"${key}" must be left out beside "${deciders.key}": ${why}`
    findings.add(place, key, message, isMasked)
  }
}

function checkInsecureHttp(settings: Settings, findings: Findings): void {
  const { parse } = OPTIONS.allowInsecureHttp
  const given = settings.get('allowInsecureHttp')?.value
  attempt(() => parse(given, ['allowInsecureHttp']), settings, findings)
}

function makePolicy(settings: Settings, findings: Findings): Pick<AuthConfig, 'routePolicy'> {
  const given = settings.get('routePolicy')
  if (given === undefined) return {}
  const policy = attempt(() => createPolicy(given.value, ['routePolicy']), settings, findings)
  return policy === undefined ? {} : { routePolicy: policy }
}

function makeResource(settings: Settings, findings: Findings): { readonly resource?: unknown } {
  const given = settings.get('resource')?.value
  if (given === undefined) return {}
  // The check of the config says that a value is missing.
  if (given === false || given === null) return { resource: given }
  const resource = attempt(() => createGiven(given), settings, findings)
  return resource === undefined && !isOptionsObject(given)
    ? {}
    : { resource: resource ?? createResource(WRONG_RESOURCE) }
}

function createGiven(given: unknown): ProtectedResource {
  if (isOptionsObject(given)) return createResource(given, ['resource'])
  throw invalidOption(['resource'], given, 'an object or false')
}

function unreadBeside({ providers }: Deciders, settings: Settings): readonly Unread[] {
  const isUpstream = providers.some(({ name }) => name === 'upstream_header')
  if (!isUpstream) return [OF_ENDPOINT]
  const hasResource = settings.get('resource')?.value !== false
  return [OF_ENDPOINT, OF_UPSTREAM, ...(hasResource ? [OF_BEARER] : [])]
}

function printOf(settings: Settings, deciders: Deciders): string {
  const { providers, fallThrough, hasAccessPolicy } = deciders
  const given = providers.map(({ name, isOlder, setting }) => [
    name,
    isOlder,
    setting.key,
    setting.value,
  ])
  const options = GO_TO_PROVIDERS.map((name) => settings.get(name)?.value)
  const rules = [hasAccessPolicy, settings.has('routePolicy')]
  return fingerprint([given, fallThrough?.value, options, rules])
}
