import { isSeq } from 'yaml'
import { boolean } from '../../core/config/kinds.ts'
import { readPair } from '../setting.ts'
import { findPair, isEmpty, rangeOf } from '../tree.ts'
import { readProvider } from './section.ts'
import type { Pair, YAMLMap } from 'yaml'
import type { Kind } from '../../core/config/kinds.ts'
import type { Range } from '../problems.ts'
import type { Reading, Setting } from '../setting.ts'
import type { Provider } from './section.ts'

/** The providers that check callers. */
export interface Deciders {
  /** The key that names them, such as `server.auth.provider_config`. */
  readonly key: string
  readonly place: Range
  readonly providers: readonly Provider[]
  readonly isList: boolean
  readonly fallThrough: Setting | undefined
  /** Whether the upstream has rules about its callers, in `access_policy`. */
  readonly hasAccessPolicy: boolean
}

const KEY = 'server.auth'

/** Each is a way to say how callers are checked. `config` is a part of `provider_type`. */
const WAYS = ['endpoint', 'provider_config', 'providers', 'provider_type', 'config'] as const

/** The keys of `server.auth` that are read here, and not as options. */
export const DECIDER_KEYS: readonly string[] = [...WAYS.slice(1), 'fall_through']

export const FALL_THROUGH: Kind<boolean> = boolean(false)

type Way = (typeof WAYS)[number]
type Pairs = Partial<Record<string, Pair>>

/** Reads the providers of `server.auth`. Returns `undefined` without any, which leaves `endpoint`. */
export function readDeciders(map: YAMLMap, reading: Reading): Deciders | undefined {
  const pairs: Pairs = Object.fromEntries(
    [...WAYS, 'fall_through'].flatMap((name) => {
      const pair = findPair(map, name)
      const isGiven = pair !== undefined && !isEmpty(reading.tree.resolve(pair.value))
      return isGiven ? [[name, pair]] : []
    }),
  )
  const way = chooseWay(pairs, reading)
  const fallThrough = readFallThrough(pairs['fall_through'], way === 'providers', reading)
  const pair = way && pairs[way]
  if (way === undefined || way === 'endpoint' || pair === undefined) return undefined
  const key = `${KEY}.${way}`
  const place = rangeOf(pair.key)
  const isList = way === 'providers'
  const providers = isList
    ? readList(pair, key, place, reading)
    : [readOne(way, pair, pairs, reading)]
  const hasAccessPolicy = findPair(map, 'access_policy') !== undefined
  const all = providers.flatMap((one) => one ?? [])
  return { key, place, providers: all, isList, fallThrough, hasAccessPolicy }
}

/** The first way in the order of the file. Adds a problem for each other one. */
function chooseWay(pairs: Pairs, { findings }: Reading): Way | undefined {
  const isPart = pairs['provider_type'] !== undefined && pairs['config'] !== undefined
  const given = WAYS.flatMap((way) => {
    const pair = pairs[way]
    return pair === undefined || (way === 'config' && isPart)
      ? []
      : [{ way, place: rangeOf(pair.key) }]
  })
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  const [first, ...others] = given.sort((one, other) => one.place.start - other.place.start)
  for (const { way, place } of others) {
    const key = `${KEY}.${way}`
    const message = `"${key}" and "${KEY}.${first?.way}" both say how callers are checked: remove one of them`
    findings.add(place, key, message)
  }
  return first?.way
}

function readFallThrough(
  pair: Pair | undefined,
  isList: boolean,
  reading: Reading,
): Setting | undefined {
  if (pair === undefined) return undefined
  const key = `${KEY}.fall_through`
  if (isList) return readPair(pair, key, FALL_THROUGH.form, reading)
  reading.findings.add(
    rangeOf(pair.key),
    key,
    `"${key}" must be left out: only "${KEY}.providers" has it`,
  )
  return undefined
}

function readOne(way: Way, pair: Pair, pairs: Pairs, reading: Reading): Provider | undefined {
  const { tree, findings } = reading
  const place = rangeOf(pair.key)
  if (way === 'provider_config') {
    return readProvider(tree.resolve(pair.value), `${KEY}.${way}`, place, reading)
  }
  const { provider_type: type, config } = pairs
  if (type !== undefined && config !== undefined) {
    const older = { key: `${KEY}.provider_type`, pair: type }
    return readProvider(
      tree.resolve(config.value),
      `${KEY}.config`,
      rangeOf(config.key),
      reading,
      older,
    )
  }
  const other = way === 'config' ? 'provider_type' : 'config'
  const message = `"${KEY}.${way}" needs "${KEY}.${other}". Better write provider_config: { type: ..., ... }, which has both`
  findings.add(place, `${KEY}.${way}`, message)
  return undefined
}

function readList(pair: Pair, key: string, place: Range, reading: Reading) {
  const { tree, findings } = reading
  const list = tree.resolve(pair.value)
  if (isSeq(list) && list.items.length > 0) {
    return list.items.map((item, index) => readMember(item, `${key}[${index}]`, reading))
  }
  findings.add(place, key, `"${key}" must be a list of at least one provider, each with a "type"`)
  return []
}

function readMember(item: unknown, key: string, reading: Reading): Provider | undefined {
  const place = rangeOf(item)
  const provider = readProvider(reading.tree.resolve(item), key, place, reading)
  if (provider?.name !== 'upstream_header') return provider
  const message = `"${key}.type" must not be "upstream_header" beside other providers: it reads the caller from a header, and they read a token. Guard them apart`
  reading.findings.add(place, `${key}.type`, message, true)
  return undefined
}
