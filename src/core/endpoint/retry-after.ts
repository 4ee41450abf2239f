/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds, or `undefined` if it is absent or malformed. */
export function parseRetryAfter(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined) return undefined
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000
  if (!value.endsWith(' GMT')) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * What clients are told to wait: whole seconds from 1 to 30, in milliseconds. Some sleep for as long as they are told,
 * and an endpoint must not be able to send them away for a day.
 */
export function clampRetryAfter(retryAfterMs: number): number {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return Math.min(30, Math.max(1, Number.isNaN(seconds) ? 1 : seconds)) * 1000
}
