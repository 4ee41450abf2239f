import { isDeepStrictEqual } from 'node:util'
import type { ServerName } from './servers.ts'

/** The program that serves: see `servers/raw-programs.js`. The last two are in `servers/raw-bun-routes.js`. */
export type Program =
  | 'function'
  | 'hono'
  | 'hono-middleware'
  | 'hono-mounted'
  | 'routes'
  | 'single-routes'

/**
 * The outcome of a request. `allowed`: the handler ran after an allow. `public`: it ran without a call to the endpoint.
 * `server`: the server rejected the request itself, by a status or by closing the connection. All others are reasons of
 * this package.
 */
export type Verdict =
  | 'allowed'
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
  /** Only the headers that matter here. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Variant {
  /** Unique in its row. */
  readonly name: string
  /** The bytes of the request. The number of the request replaces {@link NUMBER}. */
  readonly bytes: Buffer
  readonly expected: Expected
  /** The outcomes of servers that build another Request from these bytes. */
  readonly differences: readonly Difference[]
}

interface Difference {
  readonly servers: readonly ServerName[]
  readonly expected: Expected
}

/** One attack, or a part of it. */
export interface Row {
  readonly title: string
  readonly variants: readonly Variant[]
  /** For `hono-middleware` only the rules in `rules.ts` count, because most of its paths need no token. */
  readonly programs: readonly Program[]
}

const USUAL_PROGRAMS: readonly Program[] = ['function', 'hono', 'hono-middleware']

export function row(
  title: string,
  variants: readonly Variant[],
  programs: readonly Program[] = USUAL_PROGRAMS,
): Row {
  return { title, variants, programs }
}

export const missing: Expected = { verdict: 'missing_credentials' }
export const malformed: Expected = { verdict: 'malformed_credentials' }
export const malformedTarget: Expected = { verdict: 'malformed_request' }
export const isPublic: Expected = { verdict: 'public' }
export const byServer: Expected = { verdict: 'server' }

const QUESTION: Asked = { token: 'good', path: '/admin', params: {} }

export function allowed(asked: Partial<Asked> = {}): Expected {
  return { verdict: 'allowed', asked: { ...QUESTION, ...asked } }
}

export function denied(asked: Partial<Asked> = {}): Expected {
  return { verdict: 'denied', asked: { ...QUESTION, ...asked } }
}

/** Other outcomes on some servers: one for each of the variants that are made together, or one for all of them. */
export interface Others {
  readonly servers: readonly ServerName[]
  readonly outcomes: readonly [Expected, ...Expected[]]
}

export function on(
  servers: ServerName | readonly ServerName[],
  ...outcomes: Others['outcomes']
): Others {
  return { servers: [servers].flat(), outcomes }
}

type Sent = readonly [name: string, bytes: Buffer, expected: Expected]

export function variantsOf(sent: readonly Sent[], others: readonly Others[]): Variant[] {
  return sent.map(([name, bytes, expected], index) => {
    const differences = others.map(({ servers, outcomes }) => ({
      servers,
      expected: outcomes[index] ?? outcomes[0],
    }))
    const isOne = (other: Difference): boolean => !isDeepStrictEqual(other.expected, expected)
    return { name, bytes, expected, differences: differences.filter(isOne) }
  })
}

/** A request for `/admin` with these header lines. */
export function lines(
  name: string,
  sent: string | readonly string[],
  expected: Expected,
  ...others: readonly Others[]
): Variant[] {
  return variantsOf([[name, get('/admin', ...[sent].flat()), expected]], others)
}

/** A target as the name of a variant: printable, and not too long. */
export function nameOf(target: string): string {
  const name = target.replace(/[^\x20-\x7e]/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return name.length <= 80 ? name : `${name.slice(0, 20)}... (${target.length} bytes)`
}

/** A placeholder for the number of the request. The handler prints the number. */
export const NUMBER = '#####'

export const TOKEN = 'Authorization: Bearer good'

/** The longest token that is asked about. */
export const LONG_TOKEN = 'g'.repeat(8192)

/** A GET request as a client would send it, plus the header lines of the attack. Each character is one byte. */
export function get(target: string, ...more: readonly string[]): Buffer {
  return send('GET', target, ...more)
}

export function send(method: string, target: string, ...more: readonly string[]): Buffer {
  return sendTo('h.test', method, target, ...more)
}

export function sendTo(
  host: string,
  method: string,
  target: string,
  ...more: readonly string[]
): Buffer {
  return head(`${method} ${target} HTTP/1.1`, `Host: ${host}`, `X-Variant: ${NUMBER}`, ...more)
}

/** Any lines, then the end of the head. */
export function head(...all: readonly string[]): Buffer {
  return Buffer.from([...all, 'Connection: close', '', ''].join('\r\n'), 'latin1')
}
