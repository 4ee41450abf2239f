/** The program that serves: see `servers/raw-programs.js`. The last two are in `servers/raw-bun-routes.js`. */
export type Program =
  | 'function'
  | 'hono'
  | 'hono-middleware'
  | 'hono-mounted'
  | 'cached'
  | 'routes'
  | 'single-routes'

/**
 * The outcome of a request. `allowed`: the handler ran after an allow. `kept`: it ran on a cached decision. `public`: it
 * ran without a call to the endpoint. `server`: the server rejected the request itself, by a status or by closing the
 * connection. All others are reasons of this package.
 */
export type Verdict =
  | 'allowed'
  | 'kept'
  | 'public'
  | 'server'
  | 'denied'
  | 'missing_credentials'
  | 'malformed_credentials'
  | 'malformed_request'

export interface Expected {
  readonly verdict: Verdict
  /** The call to the endpoint, if there is one. */
  readonly asked?: Asked
}

export interface Asked {
  readonly token: string
  readonly path: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
  /** Only the headers that matter here; `undefined` for one that must be absent. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

export interface Variant {
  /** Unique in its row. */
  readonly name: string
  /** The bytes of the request. The number of the request replaces {@link NUMBER}. */
  readonly bytes: Buffer
  readonly expected: Expected
}

/** One attack, or a part of it. */
export interface Row {
  /** A few words that name the attack. */
  readonly id: string
  readonly title: string
  readonly variants: readonly Variant[]
  /** For `hono-middleware` only the rules in `rules.ts` count, because most of its paths need no token. */
  readonly programs: readonly Program[]
}

/** A placeholder for the number of the request. The handler prints the number. */
export const NUMBER = '#####'

export const missing: Expected = { verdict: 'missing_credentials' }
export const malformed: Expected = { verdict: 'malformed_credentials' }
export const malformedTarget: Expected = { verdict: 'malformed_request' }
export const isPublic: Expected = { verdict: 'public' }
export const kept: Expected = { verdict: 'kept' }
export const byServer: Expected = { verdict: 'server' }

export function allowed(asked: Partial<Asked> = {}): Expected {
  return { verdict: 'allowed', asked: { ...QUESTION, ...asked } }
}

export function denied(asked: Partial<Asked> = {}): Expected {
  return { verdict: 'denied', asked: { ...QUESTION, ...asked } }
}

const QUESTION: Asked = { token: 'good', path: '/admin', params: {} }

const USUAL_PROGRAMS: readonly Program[] = ['function', 'hono', 'hono-middleware']

export function row(
  id: string,
  title: string,
  variants: readonly Variant[],
  programs = USUAL_PROGRAMS,
): Row {
  return { id, title, variants, programs }
}

export function variant(name: string, bytes: Buffer, expected: Expected): Variant {
  return { name, bytes, expected }
}

/** A target as the name of a variant: printable, and not too long. */
export function nameOf(target: string): string {
  const name = target.replace(/[^\x20-\x7e]/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return name.length <= 80 ? name : `${name.slice(0, 20)}... (${target.length} bytes)`
}
