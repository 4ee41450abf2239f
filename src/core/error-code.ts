import { AuthUnavailableError, noteThrown } from './errors.ts'

/** A name of a system or a library. No text of a message looks like it. */
const CODE = /^[A-Z][A-Z\d_]{1,63}$/

/** Names of Bun, or of earlier versions of it, with those of Node. */
const RENAMED: Readonly<Record<string, string>> = {
  ConnectionRefused: 'ECONNREFUSED',
  ConnectionClosed: 'ECONNRESET',
  Malformed_HTTP_Response: 'HPE_INVALID_CONSTANT',
}

/** Deno has no codes, and Node has none for a blocked port, or for the last phrase. Nothing else of a message is used. */
const PHRASES: readonly (readonly [phrase: string, code: string])[] = [
  ['client error (Connect): dns error: ', 'ENOTFOUND'],
  ['Connection refused (os error ', 'ECONNREFUSED'],
  ['Connection reset by peer (os error ', 'ECONNRESET'],
  ['connection closed before message completed', 'ECONNRESET'],
  ['invalid peer certificate: certificate expired', 'CERT_HAS_EXPIRED'],
  ['invalid peer certificate: certificate not valid for name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['invalid peer certificate: ', 'CERT_UNTRUSTED'],
  ['received corrupt message of type InvalidContentType', 'ERR_SSL_WRONG_VERSION_NUMBER'],
  // Of ports that the Fetch standard blocks: Node, then Deno.
  ['bad port', 'BAD_PORT'],
  ['Fetch failed: Requests to port ', 'BAD_PORT'],
  ['invalid HTTP version parsed', 'HPE_INVALID_CONSTANT'],
  ['received unexpected message from connection', 'HPE_INVALID_CONSTANT'],
  ['Response does not match the HTTP/1.1 protocol (Expected HTTP/', 'HPE_INVALID_CONSTANT'],
]

const MOST_ERRORS = 16
const MOST_ADDRESSES = 4

/** The code of an error or of its causes, such as `ECONNREFUSED`. Never a message, which may hold the token. Never throws. */
export function findErrorCode(error: unknown): string | undefined {
  const errors = [error]
  for (let index = 0; index < Math.min(errors.length, MOST_ERRORS); index += 1) {
    const code = codeOf(errors[index])
    if (code !== undefined) return code
    errors.push(...causesOf(errors[index]))
  }
  return undefined
}

function codeOf(error: unknown): string | undefined {
  const code = read(error, 'code')
  if (typeof code === 'string' && CODE.test(code)) return code
  if (typeof code === 'string' && Object.hasOwn(RENAMED, code)) return RENAMED[code]
  const message = read(error, 'message')
  if (typeof message !== 'string') return undefined
  return PHRASES.find(([phrase]) => message.includes(phrase))?.[1]
}

// An AggregateError has one for each address that was tried.
function causesOf(error: unknown): unknown[] {
  const tried = read(error, 'errors')
  const each = Array.from({ length: MOST_ADDRESSES }, (_, index) => read(tried, String(index)))
  return [read(error, 'cause'), ...each].filter((cause) => typeof cause === 'object')
}

function read(value: unknown, name: string): unknown {
  let found: unknown
  try {
    found = Reflect.get(Object(value), name)
  } catch {
    // A getter or a proxy may throw.
  }
  return found
}

/**
 * Makes the error for a `fetch` that rejected. It holds only the code of the thrown error.
 *
 * @param explanation For another function than `fetch`.
 */
export function createUnreachable(thrown: unknown, explanation?: string): AuthUnavailableError {
  const code = findErrorCode(thrown)
  const details = code === undefined ? {} : { cause: { code } }
  const error = new AuthUnavailableError('unreachable', { ...details, explanation })
  noteThrown(error, thrown)
  return error
}
