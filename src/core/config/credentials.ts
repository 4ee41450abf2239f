import { foldName, invalidOption, isHttpToken, readOptions } from './option-checks.ts'
import { parseList } from './kinds.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { Form, Kind } from './kinds.ts'
import type { OptionPath } from './problems.ts'

const SOURCE_OPTIONS = ['header', 'cookie', 'webSocketProtocol'] as const
const EXPECTED_SOURCE = '"bearer", or an object with one of `header`, `cookie`, `webSocketProtocol`'

// Each has a source of its own, or is framing.
const NOT_BY_NAME: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'sec-websocket-protocol',
])

const NEVER_LOGGED: ReadonlySet<string> = new Set([...NOT_BY_NAME, 'proxy-authorization'])

const SOURCE: Form = {
  kind: 'source',
  scalar: 'string',
  fields: {
    header: { form: { kind: 'header', scalar: 'string' } },
    cookie: { form: { kind: 'header', scalar: 'string' } },
    webSocketProtocol: { form: { kind: 'header', scalar: 'string' } },
  },
}

/** One source, or a list without repetitions. */
export const credentials: Kind<
  CredentialsSource | readonly CredentialsSource[],
  readonly CredentialsSource[]
> = {
  form: { ...SOURCE, kind: 'credentials', items: SOURCE, default: 'bearer' },
  parse: (value = 'bearer', path) => {
    if (!Array.isArray(value)) return [parseSource(value, path)]
    if (value.length === 0) throw invalidOption(path, value, 'a list of at least one source')
    const sources = parseList(value, path, parseSource)
    const distinct = new Set(sources.map((source) => JSON.stringify(source)))
    if (distinct.size === sources.length) return sources
    throw invalidOption(path, value, 'a list that names each source once')
  },
}

/**
 * The name of a header in lower case, or `false`. Its value goes into events and logs, so it must not be a header that may hold
 * a token: neither a standard one, nor one that `credentials` names (see {@link refuseLoggedCredentials}).
 */
export const requestIdHeader: Kind<string | false> = {
  form: { kind: 'requestIdHeader', scalar: 'boolean', canBeFalse: true, default: false },
  parse: (value = false, path) => {
    if (value === false) return value
    if (isHttpToken(value) && !NEVER_LOGGED.has(value.toLowerCase())) return value.toLowerCase()
    throw invalidOption(path, value, EXPECTED_REQUEST_ID)
  },
}

const EXPECTED_REQUEST_ID = 'false, or the name of a header that holds no credentials'

/** Rejects a `requestIdHeader` that some server takes for the header of a token. */
export function refuseLoggedCredentials(
  name: string,
  sources: readonly CredentialsSource[],
  given: unknown,
): void {
  const folded = foldName(name)
  const isSource = sources.some((source) => isHeader(source) && foldName(source.header) === folded)
  if (isSource) throw invalidOption(['requestIdHeader'], given, EXPECTED_REQUEST_ID)
}

function isHeader(source: CredentialsSource): source is { readonly header: string } {
  return source !== 'bearer' && 'header' in source
}

function parseSource(value: unknown, path: OptionPath): CredentialsSource {
  if (value === 'bearer') return value
  if (typeof value === 'string') throw invalidOption(path, value, EXPECTED_SOURCE)
  const { header, cookie, webSocketProtocol } = readOptions(
    value,
    SOURCE_OPTIONS,
    path,
    EXPECTED_SOURCE,
  )
  const given = [header, cookie, webSocketProtocol].filter((name) => name !== undefined)
  if (given.length !== 1) throw invalidOption(path, value, EXPECTED_SOURCE)
  if (header !== undefined) return Object.freeze({ header: parseHeader(header, path) })
  if (cookie !== undefined) return Object.freeze({ cookie: parseName(cookie, [...path, 'cookie']) })
  return Object.freeze({
    webSocketProtocol: parseName(webSocketProtocol, [...path, 'webSocketProtocol']),
  })
}

function parseHeader(value: unknown, parent: OptionPath): string {
  const path = [...parent, 'header']
  const name = parseName(value, path).toLowerCase()
  if (!NOT_BY_NAME.has(name)) return name
  const expected = 'another header: `credentials` has a source of its own for this one'
  throw invalidOption(path, value, expected)
}

function parseName(value: unknown, path: OptionPath): string {
  if (isHttpToken(value)) return value
  throw invalidOption(path, value, 'a name without blanks and separators')
}
