import { LONG_TOKEN } from './row.ts'
import type { Question } from '../../support/auth-endpoint.ts'
import type { RawResponse } from '../../support/raw-client.ts'
import type { Program } from './row.ts'

/** The tokens that the endpoint allows. */
export const GOOD_TOKENS: ReadonlySet<string> = new Set(['good', LONG_TOKEN])

const CHALLENGES: ReadonlySet<string> = new Set([
  'Bearer realm="api"',
  'Bearer realm="api", error="invalid_token"',
])
const AUTHORITY = /^[a-z]+:\/\/[^/]*/i

/** One call of the handler, as the handler printed it. */
export interface HandlerCall {
  readonly method: string
  readonly url: string
  /** The route that the router chose; `any` without a router. */
  readonly route: 'admin' | 'public' | 'healthz' | 'root' | 'other' | 'any'
  readonly authorization: string | null
  readonly variant: string | null
  readonly fence: string | null
  /** Names that were added to `Object.prototype`. */
  readonly inherited: readonly string[]
}

/** The response to one request, and the calls of handler and endpoint that it caused. */
export interface Trace {
  readonly response: RawResponse | undefined
  readonly calls: readonly HandlerCall[]
  readonly questions: readonly Question[]
}

/**
 * Checks the rules for every request on every server. Neither a row nor its differences can change them. Returns the broken
 * rules.
 */
export function findViolations(
  program: Program,
  bytes: Buffer,
  { response, calls, questions }: Trace,
): string[] {
  const unadmitted = findUnadmitted(program, calls, questions)
  return [
    ...unadmitted.map((call) => `the handler was called without an allow: ${JSON.stringify(call)}`),
    ...(calls.length > 1 ? ['the handler was called twice'] : []),
    ...(questions.length > 1 ? ['the endpoint was asked twice'] : []),
    ...questions.flatMap((question) => checkQuestion(question, bytes)),
    ...calls.flatMap(checkCall),
    ...(response === undefined ? [] : checkResponse(response)),
  ]
}

function checkQuestion({ token }: Question, bytes: Buffer): string[] {
  return bytes.includes(token) ? [] : [`asked about a token that was not sent: ${token}`]
}

function checkCall({ inherited }: HandlerCall): string[] {
  return inherited.length === 0 ? [] : [`every object has got ${inherited.join(', ')}`]
}

// Only rejections of this package must forbid storing. The server's own may not.
function checkResponse({ status, headers, body }: RawResponse): string[] {
  const expected = status === 401 ? 1 : 0
  const challenges = headers.get('www-authenticate') ?? []
  const isOurs = body.includes('"error":{"message":')
  return [
    ...(challenges.length === expected ? [] : [`${challenges.length} challenges for ${status}`]),
    ...challenges.filter((value) => !CHALLENGES.has(value)),
    ...(isOurs && headers.get('cache-control')?.join() !== 'no-store' ? ['may be stored'] : []),
  ]
}

/**
 * The rule that no table can change. Each call of the handler needs an allow of its own from the endpoint, for the token,
 * the path and the parameters that the handler sees. Only a URL whose path is public in every reading needs none. The rule
 * parses URLs and tokens with its own code, so it does not share a bug with the package. Returns the calls that break it.
 */
export function findUnadmitted(
  program: Program,
  calls: readonly HandlerCall[],
  questions: readonly Question[],
): HandlerCall[] {
  const allows = questions.filter(({ token }) => GOOD_TOKENS.has(token))
  return calls.filter((call) => {
    if (isOpen(program, call)) return false
    const index = allows.findIndex((allow) => isFor(allow, call))
    if (index !== -1) allows.splice(index, 1)
    return index === -1
  })
}

function isOpen(program: Program, { method, url, route }: HandlerCall): boolean {
  if (route === 'admin') return false
  if (program === 'hono-middleware') return true
  if (method !== 'GET' && method !== 'HEAD') return false
  return readPaths(url).every((path) => isPublicPath(program, path))
}

function isPublicPath(program: Program, path: string): boolean {
  if (program !== 'hono-mounted') return /^\/(?:healthz|public\/.+)?$/s.test(path)
  return path === '/healthz' || /^(?:\/based|\/routed|\/mounted)?\/public\/.+$/s.test(path)
}

function isFor(allow: Question, { url, route, authorization }: HandlerCall): boolean {
  const { pathname, searchParams } = parseUrl(url)
  if (allow.token !== readToken(authorization)) return false
  if (allow.path !== canonical(pathname)) return false
  if (route === 'admin' && !/\/admin(?:\/|$)/.test(allow.path)) return false
  return isSameQuery(allow.params, searchParams)
}

// A URL with an invalid host cannot be parsed. Replace the host, as a program does that cuts the path out of the text.
function parseUrl(url: string): URL {
  return new URL(URL.canParse(url) ? url : url.replace(AUTHORITY, 'http://h'))
}

/** The path as different programs find it: by a URL parser or by cutting the text, decoded or not, resolved or not. */
function readPaths(url: string): string[] {
  const [cut = ''] = url.replace(AUTHORITY, '').split(/[?#]/)
  const paths = [parseUrl(url).pathname, cut]
  const decoded = [...paths.map(canonical), ...paths.map(decodeAll)]
  return [...decoded, ...decoded.map(resolveSegments)]
}

function resolveSegments(path: string): string {
  const segments: string[] = []
  for (const segment of path.split(/[/\\]+/)) {
    if (segment === '..') segments.pop()
    if (segment !== '.' && segment !== '..') segments.push(segment)
  }
  return `/${segments.filter((segment) => segment !== '').join('/')}`
}

function decodeAll(path: string): string {
  return path.replace(/%[\da-f]{2}/gi, decodeTriplet)
}

// Not every URL parser encodes `^`, as the standard says.
function canonical(path: string): string {
  const decoded = path.replace(/%[\da-f]{2}/gi, (triplet) => {
    const character = decodeTriplet(triplet)
    return /[\w.~-]/.test(character) ? character : triplet
  })
  return decoded.replaceAll('^', '%5E')
}

function decodeTriplet(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
}

function readToken(authorization: string | null): string | undefined {
  return /^[ \t]*bearer +([\w.~+/-]+=*)[ \t]*$/i.exec(authorization ?? '')?.[1]
}

function isSameQuery(params: Question['params'], query: URLSearchParams): boolean {
  const told = new Map(Object.entries(params).map(([name, values]) => [name, [values].flat()]))
  const seen = new Map([...query.keys()].map((name) => [name, query.getAll(name)]))
  return (
    told.size === seen.size &&
    [...seen].every(([name, values]) => isSameList(told.get(name), values))
  )
}

function isSameList(told: readonly string[] | undefined, seen: readonly string[]): boolean {
  return JSON.stringify(told) === JSON.stringify(seen)
}
