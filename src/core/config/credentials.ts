import { foldName, HTTP_TOKEN, invalidOption, readOptions } from './option-checks.ts'
import { parse, parseList } from './interpreter.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { FormOf } from './form.ts'
import type { OptionPath } from './problems.ts'

const SOURCE_OPTIONS = ['header', 'cookie', 'webSocketProtocol'] as const
const EXPECTED_SOURCE = '"bearer", or an object with one of `header`, `cookie`, `webSocketProtocol`'
const EXPECTED_REQUEST_ID = 'false, or the name of a header that holds no credentials'

// `credentials` has a source of its own for each.
const NOT_BY_NAME = /^(?:authorization|cookie|sec-websocket-protocol)$/i

const NAME: FormOf<string> = {
  kind: 'text',
  isRequired: true,
  pattern: HTTP_TOKEN,
  expected: 'a name without blanks and separators',
}
const SOURCE = {
  isText: true,
  fields: { header: NAME, cookie: NAME, webSocketProtocol: NAME },
} as const

/** One source, or a list of different sources. */
export const CREDENTIALS: FormOf<readonly CredentialsSource[]> = {
  kind: 'code',
  is: 'credentials',
  default: 'bearer',
  ...SOURCE,
  items: { kind: 'code', is: 'source', ...SOURCE, read: parseSource },
  read: (value, path) => {
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
export const REQUEST_ID_HEADER: FormOf<string | false> = {
  kind: 'text',
  default: false,
  also: [false],
  pattern:
    /^(?!(?:authorization|cookie|proxy-authorization|sec-websocket-protocol)$)[\w!#$%&'*+.^`|~-]+$/i,
  isName: true,
  expected: EXPECTED_REQUEST_ID,
}

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
  if (cookie !== undefined)
    return Object.freeze({ cookie: parse<string>(NAME, cookie, [...path, 'cookie']) })
  const prefix = parse<string>(NAME, webSocketProtocol, [...path, 'webSocketProtocol'])
  return Object.freeze({ webSocketProtocol: prefix })
}

function parseHeader(value: unknown, parent: OptionPath): string {
  const path = [...parent, 'header']
  const name = parse<string>(NAME, value, path).toLowerCase()
  if (!NOT_BY_NAME.test(name)) return name
  throw invalidOption(
    path,
    value,
    'another header: `credentials` has a source of its own for this one',
  )
}
