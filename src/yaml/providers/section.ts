import { isMap, isScalar } from 'yaml'
import { MASKED } from '../problems.ts'
import { whyEmpty } from '../references.ts'
import { readFields, readPair, valuesOf } from '../setting.ts'
import { findPair, keyText, rangeOf, scalarText } from '../tree.ts'
import { settle } from './aliases.ts'
import { PROVIDER_TYPES } from './types.ts'
import type { Pair } from 'yaml'
import type { Range } from '../problems.ts'
import type { Reading, Setting } from '../setting.ts'
import type { Node } from '../tree.ts'
import type { ProviderType } from './kinds/provider.ts'

/** A provider as the file has it. */
export interface Provider {
  /** Such as `oauth2_token`. */
  readonly name: string
  readonly type: ProviderType
  /** All its keys as one setting, such as `server.auth.provider_config`. Older names have become those of today. */
  readonly setting: Setting
  /** Whether it is written as `provider_type` and `config`. */
  readonly isOlder: boolean
}

const TYPE = { kind: 'text', scalar: 'string' } as const
const KNOWN = [...PROVIDER_TYPES.keys()].map((name) => JSON.stringify(name)).join(', ')

const CHECKED = 'it says how callers are checked'

/**
 * Reads a provider. Returns `undefined` after a problem that leaves nothing to check.
 *
 * @param older The pair that names the type, if that is not a key of the provider.
 */
export function readProvider(
  node: Node | undefined,
  key: string,
  place: Range,
  reading: Reading,
  older?: { readonly key: string; readonly pair: Pair },
): Provider | undefined {
  if (!isMap(node)) {
    const keys = older === undefined ? ' with a "type"' : ''
    reading.findings.add(place, key, `"${key}" must be a mapping${keys}`, MASKED)
    return undefined
  }
  const name = readType(
    older?.pair ?? findPair(node, 'type'),
    older?.key ?? `${key}.type`,
    place,
    reading,
  )
  const type = PROVIDER_TYPES.get(name)
  if (name === undefined || type === undefined) return undefined
  const pairs = node.items.filter((pair) => older !== undefined || keyText(pair.key) !== 'type')
  const fields = older === undefined ? { type: { form: TYPE }, ...type.fields } : type.fields
  const children = readFields(pairs, key, fields, reading)
  settle(children, type.fields, type.aliases, reading.findings)
  const value = valuesOf(children)
  const setting = { key, place, isHidden: false, isMasked: true, value, children }
  return { name, type, setting, isOlder: older !== undefined }
}

/** The type is read first, since the other keys depend on it. Without one OGX would start without authentication. */
function readType(
  pair: Pair | undefined,
  key: string,
  place: Range,
  reading: Reading,
): string | undefined {
  const setting = pair && readPair(pair, key, TYPE, reading)
  const name = setting?.value
  if (typeof name === 'string' && PROVIDER_TYPES.has(name)) return name
  if (reading.findings.has(key)) return undefined
  const node = pair && reading.tree.resolve(pair.value)
  const isEmpty = setting === undefined && isScalar(node)
  const why = isEmpty
    ? `it comes out empty, since ${whyEmpty(scalarText(node), reading.environment)}`
    : CHECKED
  const message = `"${key}" must be one of ${KNOWN}: ${why}`
  const at = setting?.place ?? (pair === undefined ? place : rangeOf(pair.key))
  reading.findings.add(at, key, message, setting?.isMasked)
  return undefined
}
