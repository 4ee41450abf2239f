import { isMap } from 'yaml'
import { OPTIONS } from '../core/config/options.ts'
import { rejectMisplaced } from './misplaced-section.ts'
import { MASKED } from './problems.ts'
import { PROVIDER, readFields } from './setting.ts'
import { STORE_FORM } from './store-section.ts'
import { findPair, isEmpty, keyText, rangeOf } from './tree.ts'
import type { Pair, YAMLMap } from 'yaml'
import type { Form } from '../core/config/kinds.ts'
import type { Range } from './problems.ts'
import type { Reading, Settings } from './setting.ts'
import type { Node } from './tree.ts'

const KEY = 'server.auth'
const PROVIDER_KEY = `${KEY}.provider_config`
/** The options of a file. Only code can make a store, so a file has the options of `redisStore`. */
export const FILE_OPTIONS: Readonly<Record<string, { readonly form: Form }>> = {
  ...OPTIONS,
  store: { form: STORE_FORM },
}
const START: Range = { start: 0, end: 0 }

// OGX has these keys. A server that ignored them would be open.
const NOT_HERE: Readonly<Record<string, string>> = {
  route_policy: 'with-auth has no policies. Your auth endpoint gets the path, and decides',
  access_policy: 'with-auth has no policies. Your auth endpoint decides',
  provider_type: 'write provider_config: { type: custom, endpoint: ... }',
  config: 'write provider_config: { type: custom, endpoint: ... }',
}

/**
 * Finds and reads `server.auth`. Returns `undefined` without a section that can be read. Adds the reason as a problem, unless
 * the section may be missing.
 */
export function readAuthSection(reading: Reading, allowMissing: boolean): Settings | undefined {
  const server = findSection(reading.tree.root, '', 'server', START, reading)
  if (server === undefined) return rejectMissing(START, reading, allowMissing)
  const auth = findSection(server.value, 'server.', 'auth', server.place, reading)
  if (auth === undefined) return rejectMissing(server.place, reading, allowMissing)
  const map = reading.tree.resolve(auth.value)
  if (isMap(map)) return readAuth(map, auth.place, reading)
  const message = `"${KEY}" must be a mapping with an "endpoint"`
  reading.findings.add(auth.place, KEY, message)
  return undefined
}

interface Section {
  readonly value: Node | undefined
  readonly place: Range
}

function findSection(
  parent: Node | undefined,
  prefix: string,
  name: string,
  place: Range,
  { tree, findings }: Reading,
): Section | undefined {
  if (isMap(parent)) {
    const found = findPair(parent, name)
    return found && { value: tree.resolve(found.value), place: rangeOf(found.key) }
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

function readAuth(map: YAMLMap, place: Range, reading: Reading): Settings {
  rejectForeign(map, reading)
  const apart = new Set([...Object.keys(NOT_HERE), 'provider_config'])
  const pairs = map.items.filter(({ key }) => !apart.has(keyText(key) ?? ''))
  const settings = readFields(pairs, KEY, FILE_OPTIONS, reading)
  const endpoint = findPair(map, 'endpoint')
  const provider = findPair(map, 'provider_config')
  if (provider !== undefined) readProvider(provider, settings, reading)
  if (provider !== undefined && endpoint !== undefined) {
    const message = `"${PROVIDER_KEY}" and "${KEY}.endpoint" both name the auth endpoint: remove one of them`
    reading.findings.add(rangeOf(provider.key), PROVIDER_KEY, message)
  }
  if (provider === undefined && !settings.has('endpoint')) {
    rejectNoEndpoint(endpoint === undefined ? place : rangeOf(endpoint.key), KEY, reading)
  }
  return settings
}

function rejectNoEndpoint(place: Range, parent: string, { findings }: Reading): void {
  const key = `${parent}.endpoint`
  // An earlier problem may be the reason.
  if (findings.has(key)) return
  const message = `"${key}" is missing or empty: set it to the URL of your auth endpoint`
  findings.add(place, key, message)
}

function rejectForeign(map: YAMLMap, { findings }: Reading): void {
  for (const [name, instead] of Object.entries(NOT_HERE)) {
    const pair = findPair(map, name)
    if (pair === undefined) continue
    const key = `${KEY}.${name}`
    findings.add(rangeOf(pair.key), key, `"${key}" is not supported: ${instead}`)
  }
}

function readProvider({ key, value }: Pair, settings: Settings, reading: Reading): void {
  const { tree, findings } = reading
  const map = tree.resolve(value)
  if (!isMap(map)) {
    const message = `"${PROVIDER_KEY}" must be a mapping with "type" and "endpoint"`
    findings.add(rangeOf(key), PROVIDER_KEY, message)
    return
  }
  if (!isCustom(map, rangeOf(key), reading)) return
  const endpoint = readFields(map.items, PROVIDER_KEY, PROVIDER, reading).get('endpoint')
  if (endpoint === undefined) rejectNoEndpoint(rangeOf(key), PROVIDER_KEY, reading)
  if (endpoint !== undefined) settings.set('endpoint', endpoint)
}

/** Whether the type is supported. Checked first, since the other keys depend on it. */
function isCustom(map: YAMLMap, place: Range, reading: Reading): boolean {
  const key = `${PROVIDER_KEY}.type`
  const pairs = map.items.filter((pair) => keyText(pair.key) === 'type')
  const type = readFields(pairs, PROVIDER_KEY, PROVIDER, reading).get('type')
  if (type?.value === 'custom') return true
  if (reading.findings.has(key)) return false
  const message = `"${key}" must be "custom", the only supported type: the decision comes from an auth endpoint`
  reading.findings.add(type?.place ?? place, key, message, type?.isMasked)
  return false
}
