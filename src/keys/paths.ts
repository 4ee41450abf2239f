import { canonicalPath } from '../core/request/target.ts'

// No `%`, so that there is one spelling, and no `;`, which some servers cut off with what follows. No `*`: `public` takes `/v1/*`
// for all below `/v1`, and here it would open nothing.
const PREFIX = /^(?:\/|(?:\/[\w.~!$&'()+,=:@-]+)+)$/
// Of what is in a path only these decide where a segment ends, and what it is.
const ENCODED_ASCII = /%([0-7][\da-f])/gi
const MAX_DECODINGS = 4

/** What {@link isPathPrefix} takes, for messages. */
export const PREFIX_FORM =
  'a path such as /v1, which opens all below it too: no slash at the end, no *, %, ?, # or dot segment'

export function isPathPrefix(text: string): boolean {
  return PREFIX.test(text) && canonicalPath(text) === text
}

/** The prefix that `/v1/*` or `/v1/` stands for: `/v1`. */
export function meantPrefix(text: string): string | undefined {
  const [, path] = /^(\/.*?)?\/\*{0,2}$/.exec(text) ?? [undefined, text]
  const prefix = path ?? '/'
  return prefix !== text && isPathPrefix(prefix) ? prefix : undefined
}

/**
 * Whether a path is below one of the prefixes, segment by segment, in every way in which a server behind may read it: with
 * triplets decoded or not, once or more, backslashes taken for slashes. A path that was not told is below none.
 */
export function isBelow(path: string, prefixes: readonly string[]): boolean {
  const canonical = canonicalPath(path)
  const readings = canonical === undefined ? undefined : readingsOf(canonical)
  if (readings === undefined) return false
  return prefixes.some((prefix) => readings.every((reading) => startsWith(reading, prefix)))
}

/** All readings of a path, or `undefined` where one of them leads upwards, or they do not end. */
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

// Dot segments, also with parameters behind them (`..;x`, as Java's servers cut off), and what ends a path early.
function leadsAstray(path: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[/\\]\.{1,2}(?:[/\\;?#]|$)|[\x00-\x1f\x7f]/.test(path)
}

function startsWith(path: string, prefix: string): boolean {
  if (prefix === '/') return path.startsWith('/')
  return path === prefix || path.startsWith(`${prefix}/`)
}
