/** What is behind the socket: see `servers/raw-programs.js`, and for the last two `servers/raw-bun-routes.js`. */
export type Program =
  | 'function'
  | 'hono'
  | 'hono-middleware'
  | 'hono-mounted'
  | 'cached'
  | 'routes'
  | 'single-routes'

/**
 * What becomes of a request. `allowed`: the handler ran after an allow. `kept`: after one that the cache has. `public`: it
 * ran, and nobody was asked. `server`: the server refused it itself, by a status of its own or by closing the
 * connection. All others are the reasons of ours.
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
  /** What the endpoint is asked, if it is. */
  readonly asked?: Asked
}

export interface Asked {
  readonly token: string
  readonly path: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
  /** Only those that matter; `undefined` for one that must not be told. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

export interface Variant {
  /** Names it within its row. */
  readonly name: string
  /** As they go out, but for the number of the request in the place of {@link NUMBER}. */
  readonly bytes: Buffer
  readonly expected: Expected
}

/** A row of the threat catalogue. */
export interface Row {
  readonly id: string
  readonly title: string
  readonly variants: readonly Variant[]
  /** To `hono-middleware` only the rules in `rules.ts` apply: most of its paths need no token. */
  readonly programs: readonly Program[]
}

/** The place in the bytes that gets the number of the request, which the handler prints. */
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
