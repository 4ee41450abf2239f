import { createPolicy } from '../../access/policy.ts'
import { invalidOption, isOptionsObject } from '../../core/config/option-checks.ts'
import { parse } from '../../core/config/interpreter.ts'
import { OPTIONS } from '../../core/config/options.ts'
import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { createResource } from '../../mcp/protected-resource.ts'
import { defineVerifier } from '../../verifiers/define-verifier.ts'
import { attempt } from '../option-problems.ts'
import { placeOf } from '../origins.ts'
import { fingerprint } from '../watch.ts'
import { makePart } from './make.ts'
import { makeEndpoint, OF_ENDPOINT, readTenants, withTenants } from './tenants.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { ProtectedResource } from '../../core/seams.ts'
import type { AuthSection } from '../auth-section.ts'
import type { Reading } from '../origins.ts'
import type { Values } from '../values.ts'
import type { Deciders } from './deciders.ts'
import type { Means, Part } from './make.ts'
import type { Tenants } from './tenants.ts'

/** The part that decides, with its fetched keys and connections, and what tells it apart from that of another section. */
export interface MadePart {
  readonly print: string
  readonly part: Part
}

/** The config of a section, and its part that providers make. */
export interface Decided {
  readonly config: AuthConfig
  readonly made: MadePart | undefined
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
  verifier: defineVerifier({ ask: () => ({ outcome: 'deny' }), reads: {}, id: 'none' }),
}

/**
 * Adds the problems of providers. Those of other options are found by a check of the config.
 *
 * @param before What decided until now. It goes on while its section stays the same.
 */
export function decide(section: AuthSection, means: Means, before?: MadePart): Decided {
  const { options: given, deciders, reading } = section
  // The sections of the cache and its store are checked where the cache is made.
  const { cache: _, store: _s, routePolicy, resource, tenant: _t, tenantField, ...options } = given
  const tenants = readTenants(given, reading)
  const unread = deciders === undefined ? [] : unreadBeside(deciders, given)
  const names = unread.flatMap((one) => one.options)
  Object.assign(options, makePolicy(routePolicy, reading))
  if (!names.includes('resource')) Object.assign(options, makeResource(resource, reading))
  const isPlain = tenants === undefined && (tenantField ?? 'tenant') === 'tenant'
  if (deciders === undefined && isPlain) return { config: options, made: undefined }
  if (deciders !== undefined) {
    rejectUnread(unread, deciders, section)
    checkInsecureHttp(section)
  }
  for (const name of [...OF_ENDPOINT, ...names]) delete options[name]
  const print = deciders === undefined ? printOfEndpoint(given) : printOf(given, deciders)
  const part = before?.print === print ? before.part : makeDecider(section, means, tenants)
  const config = { ...options, ...(part ?? STAND_IN) }
  return { config, made: part && { print, part } }
}

function makeDecider(section: AuthSection, means: Means, tenants: Tenants): Part | undefined {
  const { options, deciders, reading } = section
  const part =
    deciders === undefined
      ? makeEndpoint(options, reading, means.watch?.transport('server.auth', runtimeFetch))
      : makePart(deciders, section, means)
  return part && withTenants(part, tenants)
}

function printOfEndpoint(options: Values): string {
  return fingerprint([...OF_ENDPOINT, ...GO_TO_PROVIDERS].map((name) => options[name]))
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

const FOR_ENDPOINT: Unread = {
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
function rejectUnread(
  unread: readonly Unread[],
  deciders: Deciders,
  { options, reading }: AuthSection,
): void {
  const { tree, findings, origins } = reading
  for (const { options: names, why } of unread) {
    for (const name of names.filter((one) => options[one] !== undefined)) {
      const { origin } = origins.nearest([name])
      const { place, isMasked } = placeOf(origin, tree)
      const message = `"${origin.key}" must be left out beside "${deciders.key}": ${why}`
      findings.add(place, origin.key, message, isMasked)
    }
  }
}

function checkInsecureHttp({ options, reading }: AuthSection): void {
  const given = options['allowInsecureHttp']
  attempt(() => parse<boolean>(OPTIONS.allowInsecureHttp, given, ['allowInsecureHttp']), reading)
}

function makePolicy(given: unknown, reading: Reading): Pick<AuthConfig, 'routePolicy'> {
  if (given === undefined) return {}
  const policy = attempt(() => createPolicy(given, ['routePolicy']), reading)
  return policy === undefined ? {} : { routePolicy: policy }
}

function makeResource(given: unknown, reading: Reading): { readonly resource?: unknown } {
  if (given === undefined) return {}
  // The check of the config says that a value is missing.
  if (given === false || given === null) return { resource: given }
  const resource = attempt(() => createGiven(given), reading)
  return isOptionsObject(given) ? { resource: resource ?? createResource(WRONG_RESOURCE) } : {}
}

function createGiven(given: unknown): ProtectedResource {
  if (isOptionsObject(given)) return createResource(given, ['resource'])
  throw invalidOption(['resource'], given, 'an object or false')
}

function unreadBeside({ providers }: Deciders, options: Values): readonly Unread[] {
  const isUpstream = providers.some(({ name }) => name === 'upstream_header')
  if (!isUpstream) return [FOR_ENDPOINT]
  const hasResource = options['resource'] !== false
  return [FOR_ENDPOINT, OF_UPSTREAM, ...(hasResource ? [OF_BEARER] : [])]
}

function printOf(options: Values, deciders: Deciders): string {
  const { providers, fallThrough, hasAccessPolicy } = deciders
  const given = providers.map(({ name, isOlder, origin, values }) => [
    name,
    isOlder,
    origin.key,
    values,
  ])
  const rules = [hasAccessPolicy, options['routePolicy'] !== undefined]
  return fingerprint([given, fallThrough, GO_TO_PROVIDERS.map((name) => options[name]), rules])
}
