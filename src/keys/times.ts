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

/** What {@link parseTimestamp} takes, for messages. */
export const TIMESTAMP_FORM = 'a time such as 2026-12-31T00:00:00Z'
/** What {@link parseDuration} takes, for messages. */
export const DURATION_FORM = 'a whole number above 0 with s, m, h, d or w, such as 90d'

/**
 * Reads a time (RFC 3339 §5.6), or a day, which is its beginning in UTC: of two readings the one that ends sooner. Gives
 * milliseconds since 1970, or `undefined` for what is no time.
 */
export function parseTimestamp(text: string): number | undefined {
  const [, day] = TIMESTAMP.exec(text) ?? []
  // Some engines make 2 March of 30 February.
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || formatTimestamp(midnight).slice(0, 10) !== day) return undefined
  return Date.parse(text)
}

export function formatTimestamp(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}

/** Reads how long something lasts, in milliseconds; `undefined` for what is no duration, or none at all. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = DURATION.exec(text) ?? []
  const milliseconds = Number(count) * (UNIT_MS[unit] ?? 0)
  return milliseconds > 0 ? milliseconds : undefined
}
