import { canonicalPath } from '../core/request/target.ts'

// No `%`: each prefix has one spelling. No `;`: some servers cut a path there. No `*`: the option `public` reads `/v1/*` as
// everything below `/v1`, but here it would match nothing.
const PREFIX = /^(?:\/|(?:\/[\w.~!$&'()+,=:@-]+)+)$/
// Only ASCII characters separate segments or change their meaning.
const ENCODED_ASCII = /%([0-7][\da-f])/gi
const MAX_DECODINGS = 4

export const PREFIX_FORM =
  'a path such as /v1, which includes everything below it: no slash at the end, no *, %, ?, # or dot segment'

export function isPathPrefix(value: unknown): value is string {
  return typeof value === 'string' && PREFIX.test(value) && canonicalPath(value) === value
}

export function isPathPrefixes(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPathPrefix)
}

/** Returns the prefix to write in place of `/v1/*` or `/v1/`: `/v1`. */
export function meantPrefix(text: string): string | undefined {
  const [, path] = /^(\/.*?)?\/\*{0,2}$/.exec(text) ?? [undefined, text]
  const prefix = path ?? '/'
  return prefix !== text && isPathPrefix(prefix) ? prefix : undefined
}

/**
 * Returns whether a path lies below one of the prefixes, segment by segment, in every way in which a server may read it: decoded
 * or not, once or several times. For example `/v1/..%2fadmin` is not below `/v1`. An empty path is below no prefix.
 */
export function isBelow(path: string, prefixes: readonly string[]): boolean {
  const canonical = canonicalPath(path)
  const readings = canonical === undefined ? undefined : readingsOf(canonical)
  if (readings === undefined) return false
  return prefixes.some((prefix) => readings.every((reading) => startsWith(reading, prefix)))
}

/** Returns all readings of a path; `undefined` if one of them leads upwards, or if there are too many. */
function readingsOf(path: string): readonly string[] | undefined {
  const readings: string[] = []
  let next = path
  while (!readings.includes(next)) {
    if (readings.length > MAX_DECODINGS || leadsAstray(next)) return undefined
    readings.push(next)
    next = next.replace(ENCODED_ASCII, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return readings
}

// Dot segments, also with parameters (Java servers read `..;x` as `..`), and characters that end a path early.
function leadsAstray(path: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[/\\]\.{1,2}(?:[/\\;?#]|$)|[\x00-\x1f\x7f]/.test(path)
}

function startsWith(path: string, prefix: string): boolean {
  if (prefix === '/') return path.startsWith('/')
  return path === prefix || path.startsWith(`${prefix}/`)
}
