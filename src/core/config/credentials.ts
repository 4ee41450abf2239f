import { foldName, invalidOption, isHttpToken, readOptions } from './option-checks.ts'
import { parseList } from './kinds.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { Form, Kind } from './kinds.ts'
import type { OptionPath } from './problems.ts'

const SOURCE_OPTIONS = ['header', 'cookie', 'webSocketProtocol'] as const
const EXPECTED_SOURCE = '"bearer", or an object with one of `header`, `cookie`, `webSocketProtocol`'

// `credentials` has a source of its own for each.
const NOT_BY_NAME: ReadonlySet<string> = new Set(
  'authorization cookie sec-websocket-protocol'.split(' '),
)
const NEVER_LOGGED: ReadonlySet<string> = new Set([...NOT_BY_NAME, 'proxy-authorization'])

const NAME = { form: { kind: 'header', scalar: 'string' } } as const
const SOURCE: Form = {
  kind: 'source',
  scalar: 'string',
  fields: { header: NAME, cookie: NAME, webSocketProtocol: NAME },
}

/** One source, or a list of different sources. */
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
 * The name of a header in lower case, or `false`. The header's value goes into events and logs, so a header that may hold a token
 * is rejected: a standard one here, and one that `credentials` names in {@link rejectLoggedCredentials}.
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

/** Rejects a `requestIdHeader` that some server mixes up with the header of a token. */
export function rejectLoggedCredentials(
  name: string,
  sources: readonly CredentialsSource[],
  given: unknown,
): void {
  const folded = foldName(name)
  const isSource = sources.some(
    (source) =>
      typeof source === 'object' && 'header' in source && foldName(source.header) === folded,
  )
  if (isSource) throw invalidOption(['requestIdHeader'], given, EXPECTED_REQUEST_ID)
}

function parseSource(value: unknown, path: OptionPath): CredentialsSource {
  if (value === 'bearer') return value
  const options = readOptions(value, SOURCE_OPTIONS, path, EXPECTED_SOURCE)
  const { header, cookie, webSocketProtocol } = options
  if (Object.keys(options).length !== 1) throw invalidOption(path, value, EXPECTED_SOURCE)
  if (header !== undefined) return Object.freeze({ header: parseHeader(header, path) })
  if (cookie !== undefined) return Object.freeze({ cookie: parseName(cookie, [...path, 'cookie']) })
  const prefix = parseName(webSocketProtocol, [...path, 'webSocketProtocol'])
  return Object.freeze({ webSocketProtocol: prefix })
}

function parseHeader(value: unknown, parent: OptionPath): string {
  const path = [...parent, 'header']
  const name = parseName(value, path).toLowerCase()
  if (!NOT_BY_NAME.has(name)) return name
  throw invalidOption(
    path,
    value,
    'another header: `credentials` has a source of its own for this one',
  )
}

function parseName(value: unknown, path: OptionPath): string {
  if (isHttpToken(value)) return value
  throw invalidOption(path, value, 'a name without blanks and separators')
}
