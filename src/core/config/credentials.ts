import { foldName, invalidOption, isHttpToken, readOptions } from './option-checks.ts'
import type { CredentialsSource } from '../auth-config.ts'

const OPTIONS = ['header', 'cookie', 'webSocketProtocol'] as const
// Each has a source of its own, or is framing.
const NOT_BY_NAME: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'sec-websocket-protocol',
])

const NEVER_LOGGED: ReadonlySet<string> = new Set([...NOT_BY_NAME, 'proxy-authorization'])

/** Checks `credentials`: one source, or a list without repetitions. */
export function checkCredentials(value: unknown): readonly CredentialsSource[] {
  if (!Array.isArray(value)) return [checkSource(value, 'credentials')]
  if (value.length === 0) throw invalidOption('credentials', value, 'a list of at least one source')
  const sources = value.map((source: unknown, index) =>
    checkSource(source, `credentials[${index}]`),
  )
  const distinct = new Set(sources.map((source) => JSON.stringify(source)))
  if (distinct.size === sources.length) return Object.freeze(sources)
  throw invalidOption('credentials', value, 'a list that names each source once')
}

/**
 * Checks `requestIdHeader`, and gives it in lower case. Its value goes into events and logs, so it must not be a header that
 * may hold credentials: one of the standard ones, or one that `credentials` names.
 */
export function checkRequestIdHeader(
  value: unknown,
  sources: readonly CredentialsSource[],
): string | false {
  if (value === false) return value
  const name = isHttpToken(value) ? value.toLowerCase() : undefined
  const folded = foldName(name ?? '')
  const isSource = sources.some((source) => isHeader(source) && foldName(source.header) === folded)
  if (name !== undefined && !isSource && !NEVER_LOGGED.has(name)) return name
  throw invalidOption(
    'requestIdHeader',
    value,
    'false, or the name of a header that holds no credentials',
  )
}

function isHeader(source: CredentialsSource): source is { readonly header: string } {
  return source !== 'bearer' && 'header' in source
}

function checkSource(value: unknown, option: string): CredentialsSource {
  if (value === 'bearer') return value
  if (typeof value === 'string') {
    throw invalidOption(option, value, '"bearer", { header }, { cookie } or { webSocketProtocol }')
  }
  const { header, cookie, webSocketProtocol } = readOptions(value, OPTIONS, option)
  const given = [header, cookie, webSocketProtocol].filter((name) => name !== undefined)
  if (given.length !== 1) {
    throw invalidOption(
      option,
      value,
      'an object with one of "header", "cookie", "webSocketProtocol"',
    )
  }
  if (header !== undefined)
    return Object.freeze({ header: checkHeader(header, `${option}.header`) })
  if (cookie !== undefined) return Object.freeze({ cookie: checkToken(cookie, `${option}.cookie`) })
  return Object.freeze({
    webSocketProtocol: checkToken(webSocketProtocol, `${option}.webSocketProtocol`),
  })
}

function checkHeader(value: unknown, option: string): string {
  const name = checkToken(value, option).toLowerCase()
  if (!NOT_BY_NAME.has(name)) return name
  throw invalidOption(
    option,
    value,
    '"bearer", { cookie } or { webSocketProtocol } for this header',
  )
}

function checkToken(value: unknown, option: string): string {
  if (isHttpToken(value)) return value
  throw invalidOption(option, value, 'a name without blanks and separators')
}
