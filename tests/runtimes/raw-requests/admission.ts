import type { Question } from './endpoint.ts'
import type { Program } from './row.ts'

const AUTHORITY = /^[a-z]+:\/\/[^/]*/i

/** What the handler printed when it was called. */
export interface HandlerCall {
  readonly method: string
  readonly url: string
  /** Which route a router took; `any` where there is no router. */
  readonly route: 'admin' | 'public' | 'healthz' | 'root' | 'other' | 'any'
  readonly authorization: string | null
  readonly variant: string | null
  readonly fence: string | null
  /** What every object has that it should not. */
  readonly inherited: readonly string[]
}

/**
 * The rule that no table can change: each call of the handler needs an allow by the endpoint of its own, for the token and
 * the path and the parameters that the handler sees, unless whoever reads its URL finds a public path. It reads URLs and
 * tokens by itself, so that a mistake of the package's cannot be its own. Returns the calls that break it.
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
    // A verdict that is kept admits more than one.
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

// Of a URL with a host that cannot be, only those who cut the text find a path.
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

// Not every URL parser encodes the last of what the standard names.
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
