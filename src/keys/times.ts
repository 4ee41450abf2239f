const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))?$/
const DURATION = /^(\d{1,6})([smhdw])$/
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

export const TIMESTAMP_FORM = 'a time such as 2026-12-31T00:00:00Z'
export const DURATION_FORM = 'a whole number above 0 with s, m, h, d or w, such as 90d'

/** The first time that {@link formatTimestamp} cannot express in the form of {@link parseTimestamp}. */
export const YEAR_10000: number = Date.UTC(10_000, 0)

/**
 * Reads a time (RFC 3339 §5.6) as milliseconds since 1970, or returns `undefined`. A day alone means its beginning in UTC: an
 * expiry read so ends early rather than late.
 */
export function parseTimestamp(text: string): number | undefined {
  const [, day] = TIMESTAMP.exec(text) ?? []
  // Some engines read 30 February as 2 March.
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || formatTimestamp(midnight).slice(0, 10) !== day) return undefined
  return Date.parse(text)
}

export function formatTimestamp(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}

/** Reads a duration such as `90d` as milliseconds, or returns `undefined`. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = DURATION.exec(text) ?? []
  const milliseconds = Number(count) * (UNIT_MS[unit] ?? 0)
  return milliseconds > 0 ? milliseconds : undefined
}

/** Rounds down to whole seconds, the precision of the file. */
export function roundDown(time: number): number {
  return Math.floor(time / 1000) * 1000
}
