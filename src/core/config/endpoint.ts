import { invalidOption, invalidSecret, isHttpToken, isOptionsObject } from './option-checks.ts'
import type { AuthConfigError } from '../errors.ts'

// Compared with the text as written: a URL parser also makes 127.0.0.1 of `2130706433` and of `0x7f.1`.
const LOOPBACK = /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:[/?]|$)/i

/**
 * Checks the URL that tokens are sent to, and returns its text. The error shows it without userinfo and query, which may
 * be secrets.
 */
export function checkEndpoint(given: unknown, allowInsecureHttp: boolean): string {
  const value = given instanceof URL ? given.href : given
  if (typeof value !== 'string') throw invalidOption('endpoint', value, 'an absolute https URL')
  const url = parseUrl(value)
  if (url === undefined) throw wrong(value, 'an absolute https URL')
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(value)) {
    throw wrong(value, 'a URL without user or password (use "endpointHeaders")')
  }
  if (value.includes('#')) throw wrong(value, 'a URL without a fragment')
  if (url.protocol === 'https:' || LOOPBACK.test(value) || allowInsecureHttp) return value
  throw wrong(value, 'an https URL (http only on loopback, or with "allowInsecureHttp": true)')
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

function wrong(value: string, allowed: string): AuthConfigError {
  // Whatever stands before an `@` may be a password, however broken the rest is.
  const shown = value
    .slice(value.lastIndexOf('@') + 1)
    .replace(/\?[^#]*/, '?***')
    .replace(/#.*/s, '#***')
  return invalidOption('endpoint', value.includes('@') ? `***@${shown}` : shown, allowed)
}

// The wrapper sets these: another value would make the request something else.
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Checks the headers added to the validation request. No error shows a value. */
export function checkEndpointHeaders(value: unknown): Readonly<Record<string, string>> {
  if (!isOptionsObject(value)) {
    throw invalidSecret('endpointHeaders', 'an object of header names and values')
  }
  const seen = new Set<string>()
  const headers = Object.entries(value).map((header) => checkEndpointHeader(header, seen))
  return Object.freeze(Object.fromEntries(headers))
}

function checkEndpointHeader(
  [name, value]: [string, unknown],
  seen: Set<string>,
): readonly [string, string] {
  if (!isHttpToken(name)) throw invalidOption('endpointHeaders', name, 'made of valid header names')
  const option = `endpointHeaders.${name}`
  if (OWN_HEADERS.has(name.toLowerCase())) {
    throw invalidSecret(option, 'left out: the wrapper sets this header itself')
  }
  if (seen.has(name.toLowerCase())) {
    throw invalidSecret(option, 'left out: the same header is there in another case')
  }
  seen.add(name.toLowerCase())
  if (typeof value === 'string' && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    return [name.toLowerCase(), value]
  }
  if (value === undefined) throw invalidOption(option, value, 'given a value')
  throw invalidSecret(option, 'a non-empty string of printable ASCII')
}
