import { isMap } from 'yaml'
import { parse } from '../../core/config/interpreter.ts'
import { TENANT_NAME } from '../../verifiers/tenancy.ts'
import { attempt, rejectLater } from '../option-problems.ts'
import { readFields } from '../values.ts'
import { findPair, isEmpty, rangeOf } from '../tree.ts'
import type { YAMLMap } from 'yaml'
import type { Fields, FormOf } from '../../core/config/form.ts'
import type { Reading } from '../origins.ts'
import type { Values } from '../values.ts'

const KEY = 'server.tenancy'
type Mode = 'disabled' | 'single' | 'multi'
const MODE: FormOf<Mode> = {
  kind: 'choice',
  choices: ['disabled', 'single', 'multi'],
  default: 'disabled',
}

/** The keys of `server.tenancy`. */
export const TENANCY_FIELDS: Fields = { mode: MODE, defaultTenantId: TENANT_NAME }

/** Reads `server.tenancy`, OGX's place for the option `tenant`, and adds that to the options. */
export function readTenancy(server: YAMLMap, options: Values, outer: Reading): void {
  const { tree, findings, origins } = outer
  const pair = findPair(server, 'tenancy')
  const map = tree.resolve(pair?.value)
  if (pair === undefined || isEmpty(map)) return
  const place = rangeOf(pair.key)
  if (!isMap(map)) return findings.add(place, KEY, `"${KEY}" must be a mapping with a "mode"`)
  const reading = { ...outer, dropsNull: true }
  const path = ['tenancy']
  const origin = { key: KEY, node: pair.key, isGroup: true } as const
  origins.set(path, origin)
  const values = readFields(map.items, { key: KEY, path }, TENANCY_FIELDS, reading)
  const mode = attempt(() => parse<Mode>(MODE, values['mode'], ['mode']), reading, path)
  if (mode === undefined || mode === 'disabled') return
  const own = origins.get(['tenant'])
  if (own !== undefined) return rejectLater(origin, own, 'set the tenant', reading)
  const { defaultTenantId } = values
  if (mode === 'single' && defaultTenantId === undefined) {
    const key = `${KEY}.default_tenant_id`
    findings.add(place, key, `"${key}" is missing: "single" gives it to every caller`)
  }
  // OGX uses the default in this mode alone.
  const single = defaultTenantId !== undefined && { mode, default: defaultTenantId }
  options['tenant'] = mode === 'multi' ? { mode } : single
  origins.move(path, ['tenant'])
  origins.move(['tenant', 'defaultTenantId'], ['tenant', 'default'])
}
