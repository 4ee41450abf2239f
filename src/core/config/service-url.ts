import { invalidOption } from './option-checks.ts'
import type { AuthConfigError } from '../errors.ts'
import type { OptionPath } from './problems.ts'

// Matches the text as written, since a URL parser turns `2130706433` and `0x7f.1` into 127.0.0.1.
const LOOPBACK = /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:[/?]|$)/i

/** Parses the URL of a service that gets tokens or keys, and returns its text. */
export function parseServiceUrl(
  value: unknown,
  path: OptionPath,
  allowInsecureHttp: boolean,
): string {
  const text = parseUrlOption(value, path)
  if (!allowInsecureHttp) rejectInsecure(text, path)
  return text
}

/** Rejects an http URL that leads to another machine. */
export function rejectInsecure(url: string, path: OptionPath): void {
  if (/^https:/i.test(url) || LOOPBACK.test(url)) return
  throw wrong(path, url, 'an https URL (http only on loopback, or with `allowInsecureHttp`)')
}

function parseUrlOption(given: unknown, path: OptionPath): string {
  const value = given instanceof URL ? given.href : given
  if (typeof value !== 'string') throw invalidOption(path, value, 'an absolute https URL')
  const url = parseUrl(value)
  if (url === undefined) throw wrong(path, value, 'an absolute https URL')
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(value)) {
    const instead = path[0] === 'endpoint' ? ' (use `endpointHeaders`)' : ''
    throw wrong(path, value, `a URL without user or password${instead}`)
  }
  if (value.includes('#')) throw wrong(path, value, 'a URL without a fragment')
  return value
}

function parseUrl(value: string): URL | undefined {
  // oxlint-disable-next-line no-control-regex
  if (!/^https?:\/\/[^/\\]/i.test(value) || /[\x00-\x20\x7f\\]/.test(value)) return undefined
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}

// The error hides userinfo and query, which may be secrets.
function wrong(path: OptionPath, value: string, expected: string): AuthConfigError {
  // Text before an `@` may be a password, even in a malformed URL.
  const shown = value
    .slice(value.lastIndexOf('@') + 1)
    .replace(/\?[^#]*/, '?***')
    .replace(/#.*/s, '#***')
  return invalidOption(path, value.includes('@') ? `***@${shown}` : shown, expected)
}
