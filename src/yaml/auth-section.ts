import { isMap } from 'yaml'
import { RULES_FORM } from '../access/rules.ts'
import { OPTIONS } from '../core/config/options.ts'
import { RESOURCE } from '../mcp/options.ts'
import { rejectMisplaced } from './misplaced-section.ts'
import { MASKED } from './problems.ts'
import { DECIDER_KEYS, readDeciders } from './providers/deciders.ts'
import { rejectLater } from './option-problems.ts'
import { readFields } from './values.ts'
import { CACHE, STORE_FORM } from './cache-section.ts'
import { TENANT_FIELD, TENANT_OPTION } from '../verifiers/tenancy.ts'
import { readTenancy } from './providers/tenancy-section.ts'
import { findPair, isEmpty, keyText, rangeOf } from './tree.ts'
import type { YAMLMap } from 'yaml'
import type { Range } from './problems.ts'
import type { Deciders } from './providers/deciders.ts'
import type { Provider } from './providers/section.ts'
import type { Reading } from './origins.ts'
import type { FileForm, Section, Values } from './values.ts'
import type { Node } from './tree.ts'

const KEY = 'server.auth'
const POLICIES = ['route_policy', 'access_policy'] as const
/**
 * The options of a file. Only code can make a cache or a policy, so a file has the options of `memoryCache` and of `redisStore`, and
 * the rules of `routePolicy`.
 */
export const FILE_OPTIONS: Readonly<Record<string, FileForm>> = {
  ...OPTIONS,
  verifier: { kind: 'function' },
  routePolicy: { ...RULES_FORM, needsValues: true },
  resource: { kind: 'group', fields: RESOURCE, also: [false], default: false, needsValues: true },
  cache: CACHE,
  store: STORE_FORM,
  tenantField: { ...TENANT_FIELD, default: 'tenant' },
  tenant: TENANT_OPTION,
}
const START: Range = { start: 0, end: 0 }

const ACCESS_POLICY = 'access_policy'
const NOT_ENFORCED =
  "with-auth does not enforce it, since it needs the database of OGX. If your upstream does, with type: upstream_header in its own file, say so: with the option accessPolicy: 'upstream' of loadConfig, parseConfig and watchConfig, or with the flag --upstream-enforces-access-policy"

/** `server.auth` as the file has it. */
export interface AuthSection extends Section {
  /** `undefined` if the option `endpoint` decides. */
  readonly deciders: Deciders | undefined
}

export interface SectionOptions {
  readonly allowMissing: boolean
  /** The upstream enforces `access_policy`, which is an error otherwise. */
  readonly hasEnforcingUpstream: boolean
}

/**
 * Finds and reads `server.auth`. Returns `undefined` without a section that can be read. Adds the reason as a problem, unless
 * the section may be missing.
 */
export function readAuthSection(
  reading: Reading,
  { allowMissing, hasEnforcingUpstream }: SectionOptions,
): AuthSection | undefined {
  const server = findSection(reading.tree.root, '', 'server', START, reading)
  if (server === undefined) return rejectMissing(START, reading, allowMissing)
  const auth = findSection(server.value, 'server.', 'auth', server.place, reading)
  if (auth === undefined) return rejectMissing(server.place, reading, allowMissing)
  const map = reading.tree.resolve(auth.value)
  if (!isMap(map) || !isMap(server.value)) {
    const message = `"${KEY}" must be a mapping with an "endpoint" or a "provider_config"`
    reading.findings.add(auth.place, KEY, message)
    return undefined
  }
  if (!hasEnforcingUpstream) rejectAccessPolicy(map, reading)
  rejectMisplacedPolicies(server.value, reading)
  reading.origins.set([], { key: KEY, node: auth.key, isGroup: true })
  const section = readAuth(map, auth.place, reading)
  readTenancy(server.value, section.options, reading)
  return section
}

/** A policy that stands one level too high would be ignored, and everything would be permitted. */
function rejectMisplacedPolicies(server: YAMLMap, { tree, findings }: Reading): void {
  for (const name of POLICIES) {
    const above = isMap(tree.root) ? findPair(tree.root, name) : undefined
    const beside = findPair(server, name)
    const move = `is not read: move it to "${KEY}.${name}"`
    if (above !== undefined) findings.add(rangeOf(above.key), name, `"${name}" ${move}`)
    const key = `server.${name}`
    if (beside !== undefined) findings.add(rangeOf(beside.key), key, `"${key}" ${move}`)
  }
}

interface Found {
  readonly key: unknown
  readonly value: Node | undefined
  readonly place: Range
}

function findSection(
  parent: Node | undefined,
  prefix: string,
  name: string,
  place: Range,
  { tree, findings }: Reading,
): Found | undefined {
  if (isMap(parent)) {
    const found = findPair(parent, name)
    return found && { key: found.key, value: tree.resolve(found.value), place: rangeOf(found.key) }
  }
  if (!isEmpty(parent)) {
    const key = prefix.slice(0, -1)
    findings.add(place, key, `${key === '' ? 'The file' : `"${key}"`} must be a mapping`, MASKED)
  }
  return undefined
}

function rejectMissing(place: Range, reading: Reading, allowMissing: boolean): undefined {
  const { tree, findings } = reading
  if (findings.isEmpty() && isMap(tree.root)) rejectMisplaced(tree.root, reading)
  if (allowMissing || !findings.isEmpty()) return undefined
  const message = `"${KEY}" is missing: add it, with an "endpoint". Without it every request would be allowed`
  findings.add(place, KEY, message)
  return undefined
}

function readAuth(map: YAMLMap, place: Range, reading: Reading): AuthSection {
  const apart = new Set([ACCESS_POLICY, ...DECIDER_KEYS])
  const pairs = map.items.filter(({ key }) => !apart.has(keyText(key) ?? ''))
  const options = readFields(pairs, { key: KEY, path: [] }, FILE_OPTIONS, reading)
  const deciders = readDeciders(map, reading)
  const [only] = deciders?.providers ?? []
  if (only?.name === 'custom' && deciders?.isList === false) {
    takeEndpoint(only, options, reading)
    return { reading, options, deciders: undefined }
  }
  if (deciders === undefined && options['endpoint'] === undefined) {
    const endpoint = findPair(map, 'endpoint')
    rejectNoEndpoint(endpoint === undefined ? place : rangeOf(endpoint.key), KEY, reading)
  }
  return { reading, options, deciders }
}

/** A single provider of this type says what options say, in OGX's place. */
function takeEndpoint(provider: Provider, options: Values, reading: Reading): void {
  const { values, path, origin, isOlder } = provider
  const { origins } = reading
  if (values['endpoint'] === undefined) {
    rejectNoEndpoint(rangeOf(origin.node), origin.key, reading)
  }
  // Every server that knows `provider_config` requires a principal.
  if (!isOlder && options['identity'] === undefined) {
    options['identity'] = 'required'
  }
  for (const [name, value] of Object.entries(values)) {
    const other = origins.get([name])
    options[name] = value
    origins.move([...path, name], [name])
    const given = origins.get([name])
    // Two endpoints are a problem already.
    if (other === undefined || given === undefined || name === 'endpoint') continue
    rejectLater(given, other, 'mean the same', reading)
  }
}

function rejectNoEndpoint(place: Range, parent: string, { findings }: Reading): void {
  const key = `${parent}.endpoint`
  // An earlier problem may be the reason.
  if (findings.has(key)) return
  const message = `"${key}" is missing or empty: set it to the URL of your auth endpoint`
  findings.add(place, key, message)
}

// A server that ignored it would be open.
function rejectAccessPolicy(map: YAMLMap, { findings }: Reading): void {
  const pair = findPair(map, ACCESS_POLICY)
  if (pair === undefined) return
  const key = `${KEY}.${ACCESS_POLICY}`
  findings.add(rangeOf(pair.key), key, `"${key}" must be left out: ${NOT_ENFORCED}`)
}
