import { createClientAddresses } from '../../src/cli/gateway/client-address.ts'
import { formatJson } from '../../src/cli/log.ts'
import { parseNetwork } from '../../src/verifiers/upstream/address.ts'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { parseCacheControl } from '../../src/core/endpoint/freshness.ts'
import { createCredentialsReader } from '../../src/core/request/credentials.ts'
import { createQuestion, createToldEncoder } from '../../src/core/request/question.ts'
import { hidesStructure, isPlainHost, parseTarget } from '../../src/core/request/target.ts'
import { readTraceContext } from '../../src/core/request/trace-context.ts'
import { PRESETS } from '../../src/forward-auth/preset.ts'
import { createReceiver } from '../../src/forward-auth/receive.ts'
import { createHops } from '../../src/gateway/forward.ts'
import { encodeName } from '../../src/gateway/identity-headers.ts'
import { namesWebSocket } from '../../src/gateway/field-names.ts'
import { createCopyHeaders } from '../../src/gateway/request-headers.ts'
import { withAuth } from '../../src/index.ts'
import { HeaderReader } from '../../src/jwt/token-header.ts'
import { isBelow } from '../../src/keys/paths.ts'
import { decodeName, readAttributes } from '../../src/verifiers/upstream/identity.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import { expandReferences } from '../../src/yaml/references.ts'
import { raw } from '../support/requests.ts'
import { subrequest } from '../support/subrequest.ts'
import { words } from '../support/words.ts'
import type { CredentialsSource } from '../../src/index.ts'
import type { Client } from '../support/subrequest.ts'

export type Parser = (text: string) => unknown

/** Pieces to repeat. Each matches a part of some pattern, or a whole pattern except for its end. */
export const PIECES: readonly string[] = [
  ...words('a , ; : " = % . / & + ? \\ < [ é 😀 \ud800 // /. /..; /%2e %2 %3 %%3 %61 %25 %252'),
  ...words('a& a=b& a=" a= a="\\ =" \\" max-age=1, bearer key= key=; key. key., é<a'),
  ',bearer ',
  ...words('${env. ${env.X} ${env.X:= for=" a=b; for=10.0.0.9,'),
  ...' |\t|\u00a0|a =|no-store |Bearer |, bearer|key= |; |, '.split('|'),
]

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const REQUEST = { method: 'GET', headers: new Headers() } as Request
const encode = createToldEncoder(resolveConfig({ context: { headers: 'all' } }).context)
const { context } = resolveConfig({ context: {} })

function reader(source: CredentialsSource): (field: string) => unknown {
  const read = createCredentialsReader([source])
  return (field) => read({ get: () => field } as unknown as Headers)
}

const [readBearer, readHeader, readCookie, readProtocol] = [
  reader('bearer'),
  reader({ header: 'x-key' }),
  reader({ cookie: 'key' }),
  reader({ webSocketProtocol: 'key.' }),
]

export const PARSERS: readonly [string, Parser][] = [
  ['Authorization', readBearer],
  ['a bearer token', (text) => readBearer(`Bearer ${text}`)],
  ['a key in a header', readHeader],
  ['a list of cookies', readCookie],
  ['a cookie', (text) => readCookie(`key=${text}`)],
  ['WebSocket protocols', readProtocol],
  ['a WebSocket protocol', (text) => readProtocol(`key.${text}`)],
  ['an authority', (text) => parseTarget(`http://${text}/`)],
  ['a path', (text) => parseTarget(`http://h/${text}`)],
  ['a path with an end that is refused', (text) => parseTarget(`http://h/${text}#`)],
  ['a query', (text) => parseTarget(`http://h/?${text}`)],
  ['the structure of a path', hidesStructure],
  ['a Host', isPlainHost],
  ['a key', (text) => encode(REQUEST, { path: '/', query: text })],
  ['parameters, once they are few enough to be told', (text) => tellParams(text)],
  ['a value of a file', (text) => expandReferences(text, () => 'x')],
  ['Cache-Control', parseCacheControl],
  ['a quoted value of Cache-Control', (text) => parseCacheControl(`a="${text}"`)],
  ['X-Forwarded-For', (text) => findClient('x-forwarded-for', text)],
  ['Forwarded', (text) => findClient('forwarded', text)],
  ['a node of Forwarded', (text) => findClient('forwarded', `for="[${text}]"`)],
  ['an open node of Forwarded', (text) => findClient('forwarded', `for="[${text}"`)],
]

const guarded = withAuth(() => new Response(), {
  verifier: () => ({ outcome: 'deny' }),
  onEvent: () => undefined,
  public: ['/open'],
})
const copyHeaders = createCopyHeaders({
  identityHeaders: GATEWAY_HEADERS,
  forwardAuthorization: false,
  stripHeaders: [],
})
const SECRETS = ['bearer', { cookie: 'key' }, { webSocketProtocol: 'key.' }] as const
const followHops = createHops()
const { receive } = createReceiver({
  preset: PRESETS.caddy,
  rawTargets: false,
  identityHeaders: GATEWAY_HEADERS,
})
const readToken = new HeaderReader({ algorithms: ['RS256'], types: ['jwt'], mayLackType: true })

/** Parsers of what servers limit, at 16 KB or 64 KB. */
export const LIMITED_PARSERS: readonly [string, Parser][] = [
  ['the path of a denial', (text) => guarded(raw(`http://h/${text}`, almostHeldBy(text)))],
  ['the query of a public path', (text) => guarded(raw(`http://h/open?${text}`))],
  ['credentials of another scheme', (text) => guarded(raw('http://h/', { authorization: text }))],
  ['traceparent', (text) => readTraceContext(fieldsOf({ traceparent: text }))],
  ['tracestate', (text) => readTraceContext(fieldsOf({ traceparent: TRACE, tracestate: text }))],
  ['Via', followHops],
  ['Upgrade', namesWebSocket],
  ['Connection', (text) => copyFields({ connection: text })],
  ['cookies that are passed on', (text) => copyFields({ cookie: text })],
  ['protocols that are passed on', (text) => copyFields({ 'sec-websocket-protocol': text })],
  ['the target of a subrequest', (text) => receiveFrom({ target: `/${text}` })],
  ['the host of a subrequest', (text) => receiveFrom({ host: text })],
  ['the client of a subrequest', (text) => receiveFrom({ address: text })],
  ['a path that a key is limited to', (text) => isBelow(`/v1/${text}`, ['/v1', '/v2'])],
  ['a JSON Web Token', (text) => readToken.read(`${text}.${text}.${text}`)],
  ['a name for an upstream', (text) => encodeName(`a${text}b`)],
  ['a name from a proxy', decodeName],
  ['attributes from a proxy', readAttributes],
  ['a line of the log', (text) => formatJson({ type: 'decision', path: text, method: text })],
]

/** A token that a search finds in a text of one repeated character, but for one character. */
function almostHeldBy(text: string): Record<string, string> {
  return { authorization: `Basic ${text.slice(0, 2)}~${text}`.slice(0, 8192) }
}

function fieldsOf(fields: Record<string, string>): Headers {
  return raw('http://h/', fields).headers
}

function copyFields(fields: Record<string, string>): unknown {
  return unlessInvalid(() => copyHeaders(new Headers(fields), SECRETS))
}

function receiveFrom(client: Client): unknown {
  return unlessInvalid(() => receive(subrequest('caddy', client)))
}

/** No server hands over a value that no header can have. */
function unlessInvalid(parse: () => unknown): unknown {
  try {
    return parse()
  } catch {
    return undefined
  }
}

function findClient(name: string, text: string): unknown {
  const trusted = parseNetwork('10.0.0.0/8')
  const headers = { get: (asked: string) => (asked === name ? text : null) }
  const request = { ip: '10.0.0.1', headers } as unknown as Request
  return createClientAddresses(trusted === undefined ? [] : [trusted]).addressOf(request)
}

function tellParams(query: string): unknown {
  const target = { path: '/', query }
  return encode(REQUEST, target) === undefined
    ? undefined
    : createQuestion(context, 't', REQUEST, target)
}

/** The shortest of several times of the processor, in milliseconds. While other processes run, it stands still. */
export function bestTime(parse: Parser, text: string, times: number): number {
  let best = Infinity
  for (let time = 0; time < times; time += 1) {
    const started = process.cpuUsage()
    parse(text)
    const { user, system } = process.cpuUsage(started)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

/** Whether 16 times the size takes far less than 256 times as long (quadratic time). */
export function isLinear(make: (size: number) => string, parse: Parser, size: number): boolean {
  const short = make(size)
  const long = make(16 * size)
  const end = performance.now() + 2000
  // A busy machine may be slow for a while. The constant allows for noise.
  do {
    if (bestTime(parse, long, 3) < 64 * bestTime(parse, short, 3) + 0.5) return true
  } while (performance.now() < end)
  return false
}

/** Repeats a piece and adds an end that does not match. The result is flat memory like a server's text, not a rope. */
export function repeatTo(piece: string, bytes: number, end = ''): string {
  const size = new TextEncoder().encode(piece).length
  const text = `${piece.repeat(Math.ceil(bytes / size))}${end}`
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
