import type { Context } from './context.ts'
import type { Target } from './target.ts'
import type { Question } from './types.ts'

/** Puts the question about one request, or `undefined` if it is too large to be put. */
export type QuestionBuilder = (
  token: string,
  request: Request,
  target: Target,
) => Question | undefined

const MAX_PARAMS = 1000
const MAX_CONTEXT_LENGTH = 65_536
// What `'all'` leaves out: secrets that belong to this server or to a proxy, not to the endpoint.
const WITHHELD: ReadonlySet<string> = new Set(['cookie', 'proxy-authorization'])

export function createQuestionBuilder(context: Context): QuestionBuilder {
  return (token, request, target) => {
    const headers = readHeaders(request.headers, context.headers)
    const query = context.params === 'none' ? '' : target.query
    const path = context.path ? target.path : ''
    if (path.length + query.length + textLength(headers) > MAX_CONTEXT_LENGTH) return undefined
    const params = readParams(query, context.params === 'lists')
    if (params === undefined) return undefined
    const told = { path, headers, params }
    return { token, request: context.method ? { ...told, method: request.method } : told }
  }
}

/** The JSON that the endpoint receives. Lone surrogates become escapes, so it is always well-formed. */
export function encodeQuestion({ token, request }: Question): string {
  return JSON.stringify({ api_key: token, request })
}

function readHeaders(headers: Headers, wanted: Context['headers']): Record<string, string> {
  const told = emptyRecord<string>()
  if (wanted === 'all') {
    headers.forEach((value, name) => {
      if (!WITHHELD.has(name)) told[name] = value
    })
    return told
  }
  for (const name of wanted) {
    const value = headers.get(name)
    if (value !== null) told[name] = value
  }
  return told
}

// The parser that handlers use, so that both read the same parameters out of one query.
function readParams(
  query: string,
  alwaysLists: boolean,
): Record<string, string | string[]> | undefined {
  const lists = emptyRecord<string[]>()
  let count = 0
  for (const [name, value] of new URLSearchParams(query)) {
    count += 1
    if (count > MAX_PARAMS) return undefined
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

function textLength(record: Record<string, string>): number {
  let length = 0
  for (const [name, value] of Object.entries(record)) length += name.length + value.length
  return length
}

// Without a prototype `__proto__` and `constructor` are names like any other.
function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>
}
