import { parseTimestamp } from '../keys/times.ts'
import { escapeHidden, shown } from './shown-value.ts'
import type { KeyReport } from '../keys.ts'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const
const LONGEST_NAME = 24
const LONGEST_ROLES = 16
const NONE = '-'

/** A table of keys for people, of at most 120 columns while ids are those of `keys create`. */
export function describeKeys(keys: readonly KeyReport[], now: number): string {
  if (keys.length === 0) return 'There are no keys.\n'
  const has = (name: 'name' | 'tenant'): boolean => keys.some((key) => key[name] !== undefined)
  const [hasNames, hasTenants] = [has('name'), has('tenant')]
  const head = [
    'ID',
    ...(hasNames ? ['NAME'] : []),
    'PRINCIPAL',
    ...(hasTenants ? ['TENANT'] : []),
    'ROLES',
    'AGE',
    'LAST USED',
    'STATUS',
  ]
  const rows = keys.map((key) => [
    key.id,
    ...(hasNames ? [cut(escapeHidden(key.name ?? NONE), LONGEST_NAME)] : []),
    cut(shown(key.principal), LONGEST_NAME),
    ...(hasTenants ? [cut(key.tenant ?? NONE, LONGEST_ROLES)] : []),
    cut(key.attributes['roles']?.map(shown).join(',') || NONE, LONGEST_ROLES),
    sinceTime(key.created, now) ?? NONE,
    describeLastUse(key, now),
    [key.status, ...describeAttention(key, now)].join(', '),
  ])
  return drawTable([head, ...rows])
}

/** A table whose columns are as wide as their longest cell. */
export function drawTable(rows: readonly (readonly string[])[]): string {
  const widthOf = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widthOf(column))))
  return lines.map((cells) => `${cells.join('  ').trimEnd()}\n`).join('')
}

export function describeLastUse({ lastUsed, checks }: KeyReport, now: number): string {
  const since = sinceTime(lastUsed, now)
  if (since !== undefined) return since === 'now' ? since : `${since} ago`
  return checks === undefined ? 'unknown' : 'never'
}

export function describeAttention(key: KeyReport, now: number): readonly string[] {
  const words = {
    expires_soon: `expires in ${spell(end(key.expires) - now)}`,
    never_used: 'never used',
    unused: 'unused for 90 days',
  }
  return key.attention.map((one) => words[one])
}

function end(expires: string | undefined): number {
  return parseTimestamp(expires ?? '') ?? 0
}

function sinceTime(time: string | undefined, now: number): string | undefined {
  const parsed = time === undefined ? undefined : parseTimestamp(time)
  if (parsed === undefined) return undefined
  return now - parsed < 60_000 ? 'now' : spell(now - parsed)
}

/** A time in its greatest unit, such as `3 d`, rounded down. */
function spell(ms: number): string {
  const [unit, length] = UNITS.find(([, size]) => ms >= size) ?? UNITS[2]
  return `${Math.floor(ms / length)} ${unit}`
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
