import { emptyRecord } from '../runtime.ts'
import type { Target } from './target.ts'
import type { Question } from '../verifier.ts'

/** Selects the facts about a request that the endpoint is told. */
export interface Context {
  readonly headers: 'all' | readonly string[]
  readonly params: 'values' | 'lists' | 'none'
  readonly path: boolean
  readonly method: boolean
  readonly clientAddress: boolean
}

/** Headers that are told, by their names in lower case. */
type ToldHeaders = Record<string, string>

/** The part of a request that is read once, for both the question and its key. Listed headers are read for each. */
export interface RequestContext {
  /** All of it, encoded: see `createToldEncoder`. */
  readonly text: string
  /** All headers, if all are told: a cache hit needs none that are named. */
  readonly headers?: ToldHeaders | undefined
  /** With `context.clientAddress`, if it is known. */
  readonly clientAddress?: string | undefined
}

// Secrets that belong to this server or to a proxy, not to the endpoint.
export const WITHHELD: ReadonlySet<string> = new Set(['cookie', 'proxy-authorization'])

type ToldFacts = Omit<RequestContext, 'text'>

/** Puts what is told about a request into the form that the endpoint expects. */
export function createQuestion(
  context: Context,
  token: string,
  { headers, method }: Request,
  target: Target,
  told: ToldFacts = {},
): Question {
  const request = {
    path: context.path ? target.path : '',
    headers: told.headers ?? readHeaders(headers, context.headers),
    params: readParams(context.params === 'none' ? '' : target.query, context.params === 'lists'),
    ...(context.method ? { method } : {}),
    ...(told.clientAddress === undefined ? {} : { clientAddress: told.clientAddress }),
  }
  return { token, request }
}

/** The JSON that the endpoint receives. Lone surrogates become escapes, so it is always well-formed. */
export function encodeQuestion({ token, request }: Question): string {
  if (request.clientAddress === undefined) return JSON.stringify({ api_key: token, request })
  const { clientAddress, ...rest } = request
  return JSON.stringify({ api_key: token, request: { ...rest, client_address: clientAddress } })
}

/** Reads the headers that are told. To go through all of them is a large part of the cost of a check. */
export function readHeaders(headers: Headers, wanted: Context['headers']): ToldHeaders {
  const told = emptyRecord<string>()
  if (wanted === 'all') {
    headers.forEach((value, name) => {
      if (WITHHELD.has(name)) return
      // Only `set-cookie` is visited once for each time that it was sent.
      told[name] = told[name] === undefined ? value : `${told[name]}, ${value}`
    })
    return told
  }
  for (const name of wanted) {
    const value = headers.get(name)
    if (value !== null) told[name] = value
  }
  return told
}

// Handlers parse the query as a URL too, so both read the same parameters. `URLSearchParams` alone drops a `?` at the start,
// which may belong to a name, and on Node misreads raw characters beside broken UTF-8.
function readParams(query: string, alwaysLists: boolean): Record<string, string | string[]> {
  const params = emptyRecord<string | string[]>()
  if (query === '') return params
  for (const [name, value] of new URL(`http://h/?${query}`).searchParams) {
    const earlier = params[name]
    if (Array.isArray(earlier)) earlier.push(value)
    else if (earlier === undefined) params[name] = alwaysLists ? [value] : value
    else params[name] = [earlier, value]
  }
  return params
}

const MAX_LENGTH = 65_536
const MAX_PARAMS = 1000

/**
 * Makes a function that encodes what the endpoint is told about a request beside the token, or returns `undefined` if that is
 * too much. Each field has its length before it, so that "xy" + "z" and "x" + "yz" differ.
 */
export function createToldEncoder(
  context: Context,
): (request: Request, target: Target, facts?: ToldFacts) => string | undefined {
  const { headers, params, path, method, clientAddress } = context
  if (tellsNothing(context)) return () => ''
  return (request, target, facts = {}) => {
    let told = ''
    if (path) told += encodeField(target.path)
    if (params !== 'none') told += encodeField(target.query)
    if (method) told += encodeField(request.method)
    if (clientAddress) told += encodeOptional(facts.clientAddress)
    told +=
      headers === 'all'
        ? encodeAll(facts.headers ?? readHeaders(request.headers, 'all'))
        : encodeNamed(request.headers, headers)
    if (told.length > MAX_LENGTH) return undefined
    return params !== 'none' && hasTooManyParams(target.query) ? undefined : told
  }
}

/** Whether the endpoint is told only the token. */
export function tellsNothing({ headers, params, path, method, clientAddress }: Context): boolean {
  const isEmpty = headers !== 'all' && headers.length === 0 && params === 'none'
  return isEmpty && !path && !method && !clientAddress
}

/** The key of a question: everything that the endpoint is told. */
export function encodeKey(token: string, told: string): string {
  return told + encodeField(token)
}

function encodeNamed(headers: Headers, names: readonly string[]): string {
  let encoded = ''
  for (const name of names) {
    encoded += encodeOptional(headers.get(name) ?? undefined)
  }
  return encoded
}

function encodeOptional(value: string | undefined): string {
  return value === undefined ? '-' : encodeField(value)
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
