import type { Target } from './target.ts'
import type { Question } from '../types.ts'

/** What the endpoint is told, checked and with its defaults. */
export interface Context {
  readonly headers: 'all' | readonly string[]
  readonly params: 'values' | 'lists' | 'none'
  readonly path: boolean
  readonly method: boolean
}

// Secrets that belong to this server or to a proxy, and not to the endpoint.
const WITHHELD: ReadonlySet<string> = new Set(['cookie', 'proxy-authorization'])

/** Whether `'all'` headers have this one among them, in lower case. */
export function isTold(name: string): boolean {
  return !WITHHELD.has(name)
}

/** Puts what is told about a request into the form that the endpoint expects. */
export type QuestionBuilder = (
  token: string,
  request: Request,
  target: Target,
  headers?: ToldHeaders,
) => Question

/** Headers that are told, by their names in lower case. */
export type ToldHeaders = Record<string, string>

export function createQuestionBuilder(context: Context): QuestionBuilder {
  return (token, { headers, method }, target, told = readHeaders(headers, context.headers)) => {
    const asked = {
      path: context.path ? target.path : '',
      headers: told,
      params: readParams(context.params === 'none' ? '' : target.query, context.params === 'lists'),
    }
    return { token, request: context.method ? { ...asked, method } : asked }
  }
}

/** The JSON that the endpoint receives. Lone surrogates become escapes, so it is always well-formed. */
export function encodeQuestion({ token, request }: Question): string {
  return JSON.stringify({ api_key: token, request })
}

/** Reads what is told of the headers. Going through all of them is a good part of what a check costs. */
export function readHeaders(headers: Headers, wanted: Context['headers']): ToldHeaders {
  const told = emptyRecord<string>()
  if (wanted === 'all') {
    headers.forEach((value, name) => {
      // `set-cookie` alone is visited once for each time that it was sent.
      if (isTold(name)) told[name] = told[name] === undefined ? value : `${told[name]}, ${value}`
    })
    return told
  }
  for (const name of wanted) {
    const value = headers.get(name)
    if (value !== null) told[name] = value
  }
  return told
}

// The parser that handlers use, so that both read the same parameters out of one query: what a server handed over raw is
// encoded first. `URLSearchParams` alone drops one `?` at the start, which may be a parameter's, and on Node mistakes raw
// characters beside broken UTF-8 for others.
function readParams(query: string, alwaysLists: boolean): Record<string, string | string[]> {
  const lists = emptyRecord<string[]>()
  if (query === '') return lists
  for (const [name, value] of new URL(`http://h/?${query}`).searchParams) {
    const list = lists[name]
    if (list === undefined) lists[name] = [value]
    else list.push(value)
  }
  return alwaysLists ? lists : unwrapSingles(lists)
}

function unwrapSingles(lists: Record<string, string[]>): Record<string, string | string[]> {
  const params = emptyRecord<string | string[]>()
  for (const [name, values] of Object.entries(lists)) {
    const [first] = values
    params[name] = values.length === 1 && first !== undefined ? first : values
  }
  return params
}

// Without a prototype `__proto__` and `constructor` are names like any other.
function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>
}

/** Writes everything but the token that the endpoint is told about a request, or `undefined` if that is too much. */
export type ToldEncoder = (
  request: Request,
  target: Target,
  headers?: ToldHeaders,
) => string | undefined

// Changes with the encoding, so that no key of another version can be taken for one of this.
const VERSION = '1'
const MAX_LENGTH = 65_536
const MAX_PARAMS = 1000

/**
 * Makes the encoder for what one endpoint is told. Each field is its length, a colon and its text, so that no text can
 * pass for two fields or for a part of another: what is encoded can be decoded again.
 *
 * @param scope Who is asked, and whatever else gives a verdict another meaning.
 */
export function createToldEncoder(context: Context, scope: readonly string[]): ToldEncoder {
  const { headers, params, path, method } = context
  const prefix = VERSION + encodeField(JSON.stringify([scope, context]))
  if (headers !== 'all' && headers.length === 0 && params === 'none' && !path && !method) {
    return () => prefix
  }
  return (request, target, all) => {
    let told = prefix
    if (path) told += encodeField(target.path)
    if (params !== 'none') told += encodeField(target.query)
    if (method) told += encodeField(request.method)
    told +=
      headers === 'all'
        ? encodeAll(all ?? readHeaders(request.headers, 'all'))
        : encodeNamed(request.headers, headers)
    if (told.length - prefix.length > MAX_LENGTH) return undefined
    return params !== 'none' && hasTooManyParams(target.query) ? undefined : told
  }
}

/** The key of a question: everything that the endpoint is told. */
export function encodeKey(token: string, told: string): string {
  return told + encodeField(token)
}

function encodeNamed(headers: Headers, names: readonly string[]): string {
  let encoded = ''
  for (const name of names) {
    const value = headers.get(name)
    encoded += value === null ? '-' : encodeField(value)
  }
  return encoded
}

function encodeAll(headers: ToldHeaders): string {
  let encoded = ''
  for (const name of Object.keys(headers)) {
    encoded += encodeField(name) + encodeField(String(headers[name]))
  }
  return encoded
}

function encodeField(text: string): string {
  return `${text.length}:${text}`
}

function hasTooManyParams(query: string): boolean {
  if (query.length < MAX_PARAMS) return false
  return query.split('&').filter((pair) => pair !== '').length > MAX_PARAMS
}
