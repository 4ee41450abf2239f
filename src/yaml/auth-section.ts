import { isMap } from 'yaml'
import { OPTIONS } from '../core/config/options.ts'
import { rejectMisplaced } from './misplaced-section.ts'
import { MASKED } from './problems.ts'
import { DECIDER_KEYS, readDeciders } from './providers/deciders.ts'
import { readFields } from './setting.ts'
import { rejectLater } from './settings-check.ts'
import { STORE_FORM } from './store-section.ts'
import { readTenancy } from './providers/tenancy-section.ts'
import { findPair, isEmpty, keyText, rangeOf } from './tree.ts'
import type { YAMLMap } from 'yaml'
import type { Form } from '../core/config/kinds.ts'
import type { Range } from './problems.ts'
import type { Deciders } from './providers/deciders.ts'
import type { Provider } from './providers/section.ts'
import type { Reading, Settings } from './setting.ts'
import type { Node } from './tree.ts'

const KEY = 'server.auth'
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
}

/** `server.auth` as the file has it. */
export interface AuthSection {
  readonly settings: Settings
  /** `undefined` if the option `endpoint` decides. */
  readonly deciders: Deciders | undefined
}

/**
 * Finds and reads `server.auth`. Returns `undefined` without a section that can be read. Adds the reason as a problem, unless
 * the section may be missing.
 */
export function readAuthSection(reading: Reading, allowMissing: boolean): AuthSection | undefined {
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
  const section = readAuth(map, auth.place, reading)
  readTenancy(server.value, section.settings, reading)
  return section
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

function readAuth(map: YAMLMap, place: Range, reading: Reading): AuthSection {
  rejectForeign(map, reading)
  const apart = new Set([...Object.keys(NOT_HERE), ...DECIDER_KEYS])
  const pairs = map.items.filter(({ key }) => !apart.has(keyText(key) ?? ''))
  const settings = readFields(pairs, KEY, FILE_OPTIONS, reading)
  const deciders = readDeciders(map, reading)
  const [only] = deciders?.providers ?? []
  if (only?.name === 'custom' && deciders?.isList === false) {
    takeEndpoint(only, settings, reading)
    return { settings, deciders: undefined }
  }
  if (deciders === undefined && !settings.has('endpoint')) {
    const endpoint = findPair(map, 'endpoint')
    rejectNoEndpoint(endpoint === undefined ? place : rangeOf(endpoint.key), KEY, reading)
  }
  return { settings, deciders }
}

/** A single provider of this type says what options say, in OGX's place. */
function takeEndpoint({ setting }: Provider, settings: Settings, reading: Reading): void {
  const { children = new Map(), key, place } = setting
  if (!children.has('endpoint')) rejectNoEndpoint(place, key, reading)
  for (const [name, given] of children) {
    const other = settings.get(name)
    settings.set(name, given)
    // Two endpoints are a problem already.
    if (other === undefined || name === 'endpoint') continue
    rejectLater(given, other, 'mean the same', reading.findings)
  }
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
