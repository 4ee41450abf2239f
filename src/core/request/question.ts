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
