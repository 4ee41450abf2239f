import { isMap } from 'yaml'
import { oneOf } from '../../core/config/kinds.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { addProblems, rejectLater } from '../settings-check.ts'
import { readFields } from '../setting.ts'
import { findPair, isEmpty, rangeOf } from '../tree.ts'
import type { YAMLMap } from 'yaml'
import type { Findings } from '../problems.ts'
import type { Fields, Reading, Setting, Settings } from '../setting.ts'

const KEY = 'server.tenancy'
const MODE = oneOf('disabled', 'single', 'multi')

/** The keys of `server.tenancy`. */
export const TENANCY_FIELDS: Fields = {
  mode: MODE,
  defaultTenantId: { form: { kind: 'tenant', scalar: 'string' } },
}

/** Reads `server.tenancy`, OGX's place for the option `tenant`, and adds that to the settings. */
export function readTenancy(server: YAMLMap, settings: Settings, reading: Reading): void {
  const { tree, findings } = reading
  const pair = findPair(server, 'tenancy')
  const map = tree.resolve(pair?.value)
  if (pair === undefined || isEmpty(map)) return
  const place = rangeOf(pair.key)
  if (!isMap(map)) return findings.add(place, KEY, `"${KEY}" must be a mapping with a "mode"`)
  const children = readFields(map.items, KEY, TENANCY_FIELDS, reading)
  for (const [name, { value }] of children) if (value === null) children.delete(name)
  const setting = { key: KEY, place, isHidden: false, isMasked: true, value: {}, children }
  const mode = parseMode(setting, findings)
  if (mode === undefined || mode === 'disabled') return
  const own = settings.get('tenant')
  if (own !== undefined) return rejectLater(setting, own, 'set the tenant', findings)
  settings.set('tenant', toOption(setting, mode, findings))
}

function parseMode({ children, ...setting }: Section, findings: Findings): string | undefined {
  try {
    return MODE.parse(children.get('mode')?.value, ['mode'])
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    addProblems(error.problems, children, findings, setting)
    return undefined
  }
}

type Section = Setting & { readonly children: Settings }

function toOption(section: Section, mode: string, findings: Findings): Setting {
  const { children, place } = section
  const byDefault = children.get('defaultTenantId')
  if (byDefault !== undefined) children.set('default', byDefault)
  // OGX uses the default in this mode alone.
  if (mode === 'single' && byDefault !== undefined) {
    return { ...section, value: { mode, default: byDefault.value } }
  }
  if (mode === 'single') {
    const key = `${KEY}.default_tenant_id`
    findings.add(place, key, `"${key}" is missing: "single" gives it to every caller`)
  }
  return { ...section, value: mode === 'multi' && { mode } }
}
