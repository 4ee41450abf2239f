import { readHeaders } from './question.ts'
import type { Context } from '../request/question.ts'
import type { ToldHeaders } from './question.ts'
import type { Target } from './target.ts'

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
