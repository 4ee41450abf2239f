import { canonicalPath } from '../core/request/target.ts'
import type { RouteMatcher } from '../core/gate.ts'

/** One pattern of Bun's `routes`. */
export interface Route {
  readonly pattern: string
  /** `undefined` for all methods. */
  readonly methods: ReadonlySet<string> | undefined
  /** A literal, `:` for a parameter, or `*`. */
  readonly segments: readonly string[]
  /** The name of each parameter, at the index of its segment. */
  readonly names: readonly (string | undefined)[]
}

const LITERAL = /^[\w.~!$&'()+,;=@%-]+$/
const PARAM = /^:([a-z_][\w-]*)$/i
// Bun prefers them in this order, at the first segment where two patterns differ; a literal comes before both.
const ORDER: readonly (string | undefined)[] = [':', '*']

/** Reads a pattern. Throws a TypeError for one that Bun may read in another way. */
export function readRoute(pattern: string, methods: Route['methods']): Route {
  const parts = split(pattern)
  const last = parts.length - 1
  const isKnown = parts.every(
    (part, index) =>
      LITERAL.test(part) || PARAM.test(part) || (index === last && (part === '*' || part === '')),
  )
  if (!pattern.startsWith('/') || !isKnown || canonicalPath(pattern) !== pattern) {
    throw new TypeError(
      `Cannot guard the route ${JSON.stringify(pattern)}: it must be a path of literal segments and ":name" segments, with "*" only as the last, and without needless percent-encoding`,
    )
  }
  const names = parts.map((part) => PARAM.exec(part)?.[1])
  const segments = parts.map((part, index) => (names[index] === undefined ? part : ':'))
  return { pattern, methods, segments, names }
}

/** Throws a TypeError for two patterns that match the same paths: Bun would use the first one. */
export function assertDistinct(routes: readonly Route[]): void {
  const seen = new Map<string, string>()
  for (const { pattern, segments } of routes) {
    const shape = segments.join('/')
    const earlier = seen.get(shape)
    if (earlier !== undefined) {
      throw new TypeError(
        `Cannot guard the routes "${earlier}" and "${pattern}", which match the same paths: write them as one, with an object of methods`,
      )
    }
    seen.set(shape, pattern)
  }
}

/**
 * Makes the matcher of a route. Bun finds a route by the request target as it was sent, and resolves `..` only in
 * `request.url`: `GET /admin/../open/x` runs the handler of `/admin/*` with the URL `/open/x`. The matcher returns true only if
 * Bun would have found the same route, with the same parameters, by the canonical path.
 *
 * @param routes All routes of the table, this one among them.
 */
export function createRouteMatcher(route: Route, routes: readonly Route[]): RouteMatcher {
  const preferred = routes.filter((other) => isPreferred(other, route))
  return (request, path) => {
    const segments = split(path)
    if (!matches(route, segments)) return false
    if (preferred.some((other) => isFor(other, request) && matches(other, segments))) return false
    return !hasOtherParams(route, request, segments)
  }
}

/** Whether Bun prefers the other one for a path that both match. May be true if they match no path in common. */
function isPreferred({ segments: other }: Route, { segments }: Route): boolean {
  const index = other.findIndex((segment, at) => segment !== segments[at])
  return rank(other[index]) < rank(segments[index])
}

function rank(segment: string | undefined): number {
  return ORDER.indexOf(segment)
}

// Bun gives a HEAD to the handler for GET.
function isFor({ methods }: Route, { method }: Request): boolean {
  if (methods === undefined || methods.has(method)) return true
  return method === 'HEAD' && methods.has('GET')
}

function matches({ segments }: Route, path: readonly string[]): boolean {
  const isOpen = segments.at(-1) === '*'
  if (isOpen ? path.length < segments.length : path.length !== segments.length) return false
  return segments.every((segment, index) => {
    if (segment === ':') return path[index] !== ''
    return segment === '*' || segment === path[index]
  })
}

function hasOtherParams({ names }: Route, request: Request, path: readonly string[]): boolean {
  const given: unknown = Reflect.get(request, 'params')
  const params = typeof given === 'object' && given !== null ? given : {}
  return path.some((segment, index) => {
    const name = names[index]
    return name !== undefined && isOther(Reflect.get(params, name), segment)
  })
}

function isOther(value: unknown, segment: string): boolean {
  try {
    return value !== decodeURIComponent(segment)
  } catch {
    return true
  }
}

function split(path: string): string[] {
  return path.slice(1).split('/')
}
