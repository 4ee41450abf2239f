import type { Question } from './endpoint.ts'
import type { Program } from './row.ts'

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
  const allows = questions.filter(({ isAllowed }) => isAllowed)
  return calls.filter((call) => {
    if (isOpen(program, call)) return false
    const index = allows.findIndex((allow) => isFor(allow, call))
    // A cached decision admits more than one call.
    if (index !== -1 && program !== 'cached') allows.splice(index, 1)
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
