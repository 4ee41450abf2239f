import { isMap, isScalar } from 'yaml'
import { MASKED } from '../problems.ts'
import { whyEmpty } from '../references.ts'
import { placeOf } from '../origins.ts'
import { readFields, readPair } from '../values.ts'
import { findPair, keyText, rangeOf, scalarText } from '../tree.ts'
import { settle } from './aliases.ts'
import { PROVIDER_TYPES } from './types.ts'
import type { Pair } from 'yaml'
import type { OptionPath } from '../../core/config/problems.ts'
import type { Origin, Reading } from '../origins.ts'
import type { Values } from '../values.ts'
import type { Node } from '../tree.ts'
import type { ProviderType } from './kinds/provider.ts'

/** A provider as the file has it. */
export interface Provider {
  /** Such as `oauth2_token`. */
  readonly name: string
  readonly type: ProviderType
  /** Its keys. Older names have become those of today. */
  readonly values: Values
  /** Where its keys have their origins. */
  readonly path: OptionPath
  /** Such as `server.auth.provider_config`. */
  readonly origin: Origin
  /** Whether it is written as `provider_type` and `config`. */
  readonly isOlder: boolean
}

const TYPE = { kind: 'text' } as const
const KNOWN = [...PROVIDER_TYPES.keys()].map((name) => JSON.stringify(name)).join(', ')

const CHECKED = 'it says how callers are checked'

/**
 * Reads a provider. Returns `undefined` after a problem that leaves nothing to check.
 *
 * @param older The pair that names the type, if that is not a key of the provider.
 */
export function readProvider(
  node: Node | undefined,
  origin: Origin,
  path: OptionPath,
  outer: Reading,
  older?: { readonly key: string; readonly pair: Pair },
): Provider | undefined {
  const { key } = origin
  if (!isMap(node)) {
    const keys = older === undefined ? ' with a "type"' : ''
    const place = rangeOf(origin.node)
    outer.findings.add(place, key, `"${key}" must be a mapping${keys}`, MASKED)
    return undefined
  }
  // In OGX `null` leaves a key out.
  const reading = { ...outer, dropsNull: true }
  reading.origins.set(path, { ...origin, isGroup: true })
  const typed = older ?? { key: `${key}.type`, pair: findPair(node, 'type') }
  const name = readType(typed, origin, path, outer)
  const type = PROVIDER_TYPES.get(name)
  if (name === undefined || type === undefined) return undefined
  const pairs = node.items.filter((pair) => older !== undefined || keyText(pair.key) !== 'type')
  const fields = older === undefined ? { type: TYPE, ...type.fields } : type.fields
  const values = readFields(pairs, { key, path }, fields, reading)
  settle(values, path, type.aliases, reading)
  return { name, type, values, path, origin, isOlder: older !== undefined }
}

/** The type is read first, since the other keys depend on it. Without one OGX would start without authentication. */
function readType(
  { key, pair }: { readonly key: string; readonly pair: Pair | undefined },
  provider: Origin,
  parent: OptionPath,
  reading: Reading,
): string | undefined {
  const { tree, findings, origins, environment } = reading
  const path = [...parent, 'type']
  const name = pair && readPair(pair, { key, path }, TYPE, reading)
  if (typeof name === 'string' && PROVIDER_TYPES.has(name)) return name
  if (findings.has(key)) return undefined
  const node = pair && tree.resolve(pair.value)
  const isEmpty = name === undefined && isScalar(node)
  const why = isEmpty
    ? `it comes out empty, since ${whyEmpty(scalarText(node), environment)}`
    : CHECKED
  const message = `"${key}" must be one of ${KNOWN}: ${why}`
  const origin = origins.get(path) ?? { key, node: pair?.key ?? provider.node }
  const { place, isMasked } = placeOf(origin, tree)
  findings.add(place, key, message, isMasked)
  return undefined
}
