import { isSeq } from 'yaml'
import { MASKED } from '../problems.ts'
import { readPair } from '../values.ts'
import { findPair, isEmpty, rangeOf } from '../tree.ts'
import { readProvider } from './section.ts'
import type { Pair, YAMLMap } from 'yaml'
import type { FormOf } from '../../core/config/form.ts'
import type { Reading } from '../origins.ts'
import type { Provider } from './section.ts'

/** The providers that check callers. */
export interface Deciders {
  /** The key that names them, such as `server.auth.provider_config`. */
  readonly key: string
  readonly providers: readonly Provider[]
  readonly isList: boolean
  /** As the file has it. */
  readonly fallThrough: unknown
  /** Whether the upstream has rules about its callers, in `access_policy`. */
  readonly hasAccessPolicy: boolean
}

const KEY = 'server.auth'

/** Each is a way to say how callers are checked. `config` is a part of `provider_type`. */
const WAYS = ['endpoint', 'provider_config', 'providers', 'provider_type', 'config'] as const

/** The keys of `server.auth` that are read here, and not as options. */
export const DECIDER_KEYS: readonly string[] = [...WAYS.slice(1), 'fall_through']

export const FALL_THROUGH: FormOf<boolean> = { kind: 'boolean', default: false }

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
  const isList = way === 'providers'
  const providers = isList ? readList(pair, key, reading) : [readOne(way, pair, pairs, reading)]
  const hasAccessPolicy = findPair(map, 'access_policy') !== undefined
  const all = providers.flatMap((one) => one ?? [])
  return { key, providers: all, isList, fallThrough, hasAccessPolicy }
}

/** The first way in the order of the file. Adds a problem for each other one. */
function chooseWay(pairs: Pairs, { findings }: Reading): Way | undefined {
  const isPart = pairs['provider_type'] !== undefined
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

function readFallThrough(pair: Pair | undefined, isList: boolean, reading: Reading): unknown {
  if (pair === undefined) return undefined
  const key = `${KEY}.fall_through`
  if (isList) return readPair(pair, { key, path: ['fallThrough'] }, FALL_THROUGH, reading)
  const message = `"${key}" must be left out: only "${KEY}.providers" has it`
  reading.findings.add(rangeOf(pair.key), key, message)
  return undefined
}

function readOne(way: Way, pair: Pair, pairs: Pairs, reading: Reading): Provider | undefined {
  const { tree, findings } = reading
  const { provider_type: type, config } = pairs
  const key = `${KEY}.${way}`
  if (way === 'provider_config') {
    return readProvider(tree.resolve(pair.value), { key, node: pair.key }, [way], reading)
  }
  if (type !== undefined && config !== undefined) {
    const origin = { key: `${KEY}.config`, node: config.key }
    const older = { key: `${KEY}.provider_type`, pair: type }
    return readProvider(tree.resolve(config.value), origin, ['config'], reading, older)
  }
  const other = way === 'config' ? 'provider_type' : 'config'
  const message = `"${key}" needs "${KEY}.${other}". Better write provider_config: { type: ..., ... }, which has both`
  findings.add(rangeOf(pair.key), key, message)
  return undefined
}

function readList(pair: Pair, key: string, reading: Reading) {
  const list = reading.tree.resolve(pair.value)
  if (isSeq(list) && list.items.length > 0) {
    return list.items.map((item, index) => readMember(item, index, key, reading))
  }
  const message = `"${key}" must be a list of at least one provider, each with a "type"`
  reading.findings.add(rangeOf(pair.key), key, message)
  return []
}

function readMember(item: unknown, index: number, list: string, reading: Reading) {
  const origin = { key: `${list}[${index}]`, node: item }
  const node = reading.tree.resolve(item)
  const provider = readProvider(node, origin, ['providers', index], reading)
  if (provider?.name !== 'upstream_header') return provider
  const key = `${origin.key}.type`
  const message = `"${key}" must not be "upstream_header" beside other providers: it reads the caller from a header, and they read a token. Guard them apart`
  reading.findings.add(rangeOf(item), key, message, MASKED)
  return undefined
}
