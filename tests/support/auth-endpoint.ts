import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, listen } from './loopback.ts'
import { TOKEN } from './token.ts'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** The question of a guard about one request. */
export interface Question {
  readonly token: string
  readonly path: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
  readonly headers: Readonly<Record<string, string>>
}

/** A request that came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** `undefined` for a request to another path than the endpoint's. */
  readonly question: Question | undefined
}

/** The answer to one call, as data. */
export interface EndpointAnswer {
  /** Default: no response. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly delayMs?: number
  /** The state of the connection afterwards. Default: `end`. */
  readonly then?: 'end' | 'hang' | 'reset'
}

export type AuthEndpoint = Awaited<ReturnType<typeof startAuthEndpoint>>

/** Part of every answer of the endpoint. It must not reach a client. */
export const ENDPOINT_SECRET = 'said-by-the-endpoint'

const SECRETS = {
  'x-endpoint': ENDPOINT_SECRET,
  'set-cookie': `endpoint=${ENDPOINT_SECRET}`,
  'www-authenticate': `Basic realm="${ENDPOINT_SECRET}"`,
}
const PATH = '/validate'
const ALICE = { principal: 'alice', attributes: { roles: ['admin'] }, note: ENDPOINT_SECRET }
const ALLOW: EndpointAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(ALICE),
}
const DENY: EndpointAnswer = { status: 401, body: ENDPOINT_SECRET }
const REDIRECT: EndpointAnswer = { status: 307, headers: { location: '/elsewhere' } }

/** Knows alice by the one token. For `redirect` it redirects to a path where everyone is alice. */
export function answerByToken({ token }: Question): EndpointAnswer {
  if (token === 'redirect') return REDIRECT
  return token === TOKEN ? ALLOW : DENY
}

/** A token that {@link answerAsTold} answers with this status after this delay. */
export function tokenFor(name: string, delayMs: number, status = 200): string {
  return `${status}-${delayMs}-${name}`
}

/** Reads the answer from the token. */
export function answerAsTold({ token }: Question): EndpointAnswer {
  const [status = 500, delayMs = 0] = token.split('-').map(Number)
  return { status, delayMs }
}

/** Starts a real auth endpoint, which writes down all that comes. */
export async function startAuthEndpoint(
  answerTo: (question: Question) => EndpointAnswer = answerByToken,
) {
  const received: Received[] = []
  const open = new Set<ServerResponse>()
  let peak = 0
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request
    const body = await text(request)
    const question = path === PATH ? readQuestion(body) : undefined
    received.push({ method, path, headers, body, question })
    open.add(response)
    peak = Math.max(peak, open.size)
    response.once('close', () => open.delete(response))
    const { delayMs = 0, ...answer } = question === undefined ? ALLOW : answerTo(question)
    await sleep(delayMs)
    // Remove it before the caller has the answer, so that its next call does not count beside this one.
    open.delete(response)
    send(response, answer)
  }
  // Longer than any pause between two calls: a connection that ends as it is used again would be an outage.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void serve(request, response)
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    received,
    /** The largest number of calls at once. */
    peak: () => peak,
    close: () => close(server),
  }
}

export type EndpointWithKeys = Awaited<ReturnType<typeof startEndpointWithKeys>>

/**
 * Starts an auth endpoint that knows some keys, and of each the principal or the body of the answer. `asked` has the keys that it
 * was asked about.
 */
export async function startEndpointWithKeys(callers: Readonly<Record<string, string | object>>) {
  const known = new Map(Object.entries(callers))
  const asked: string[] = []
  let always: number | undefined
  const endpoint = await startAuthEndpoint(({ token }) => {
    asked.push(token)
    const caller = known.get(token)
    const body = typeof caller === 'string' ? { principal: caller } : caller
    const status = always ?? (caller === undefined ? 401 : 200)
    return { status, body: body === undefined ? '' : JSON.stringify(body) }
  })
  return {
    url: endpoint.url,
    asked,
    allow: (key: string, principal: string): unknown => known.set(key, principal),
    /** Each answer has this status, until it is `undefined`. */
    respondWith: (status: number | undefined): void => void (always = status),
    revoke: (key: string): unknown => known.delete(key),
    close: endpoint.close,
  }
}

function readQuestion(body: string): Question {
  const { api_key: token, request } = JSON.parse(body) as {
    api_key: string
    request: Omit<Question, 'token'>
  }
  return { ...request, token }
}

function send(response: ServerResponse, answer: Omit<EndpointAnswer, 'delayMs'>): void {
  const { status, headers, body = '', then = 'end' } = answer
  const { socket } = response
  if (socket === null) return
  if (status !== undefined) {
    response.writeHead(status, ENDPOINT_SECRET, { ...SECRETS, ...headers }).flushHeaders()
    response.write(body)
  }
  if (then === 'reset') socket.resetAndDestroy()
  if (then !== 'end') return
  if (response.headersSent) response.end()
  else socket.end()
}
