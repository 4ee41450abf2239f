/** The caching rules of a response (RFC 9111 §5.2.2). */
export interface Freshness {
  /** Absent if the response does not say; `0` forbids caching and sharing. */
  readonly maxAgeMs?: number
  readonly mustRevalidate?: true
}

// A directive: its name, and a value that may be quoted, with escapes (RFC 9110 §5.6). No two neighbouring parts match
// the same character, and only the last quoted value can lack its end, so this is linear.
const DIRECTIVE =
  /([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"([^"\\]*(?:\\[^][^"\\]*)*)"|([^\s,"]*)))?/g

const MAX_LENGTH = 8192

/** Reads `Cache-Control`. A value that it cannot read shortens the time and never lengthens it. */
export function parseCacheControl(value: string | null | undefined): Freshness {
  if (value === null || value === undefined) return {}
  if (value.length > MAX_LENGTH) return { maxAgeMs: 0 }
  let maxAgeMs = Infinity
  let mustRevalidate = false
  for (const [, directive = '', quoted, plain] of value.matchAll(DIRECTIVE)) {
    const name = directive.toLowerCase()
    if (name === 'no-store' || name === 'no-cache') maxAgeMs = 0
    if (name === 'max-age') maxAgeMs = Math.min(maxAgeMs, parseSeconds(quoted ?? plain))
    if (name === 'must-revalidate') mustRevalidate = true
  }
  return {
    ...(maxAgeMs === Infinity ? {} : { maxAgeMs }),
    ...(mustRevalidate ? { mustRevalidate } : {}),
  }
}

function parseSeconds(text = ''): number {
  return /^\d{1,10}$/.test(text) ? Number(text) * 1000 : 0
}

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds, or `undefined` if it is absent or malformed. */
export function parseRetryAfter(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined) return undefined
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000
  if (!value.endsWith(' GMT')) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
