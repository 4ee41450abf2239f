import type { NodeUpload } from './upload.ts'

/** The parts of `node:http` and `node:https` that are used. Other runtimes do not have Node's types. */
export interface NodeHttp<Agent extends object = object> {
  readonly Agent: new (options: { keepAlive: boolean; timeout: number }) => Agent
  readonly request: (options: NodeRequestOptions & { agent: Agent | false }) => NodeRequest
}

interface NodeRequestOptions {
  readonly protocol: string
  readonly host: string
  readonly port: string
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
  readonly insecureHTTPParser: boolean
}

/** The part of Node's `IncomingMessage` that is read. */
export interface NodeAnswer {
  readonly statusCode?: number | undefined
  readonly statusMessage?: string | undefined
  readonly rawHeaders: readonly string[]
  readonly complete: boolean
  readonly readableEnded: boolean
  readonly readableLength: number
  /** `null` once another request has the connection. */
  readonly socket: { readonly errored: Error | null } | null
  read(): unknown
  pause(): unknown
  resume(): unknown
  destroy(): unknown
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  on(event: 'readable' | 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'end', listener: () => void): unknown
}

interface NodeSocket {
  readonly bytesRead: number
  destroy(): unknown
}

export interface NodeRequest extends NodeUpload {
  readonly reusedSocket: boolean
  on(event: 'drain' | 'close', listener: () => void): unknown
  on(event: 'response', listener: (answer: NodeAnswer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'socket', listener: (socket: NodeSocket) => void): unknown
  on(event: 'upgrade', listener: (answer: unknown, socket: NodeSocket) => void): unknown
}

/** Whether a message was cut off. One that ends with its connection is complete for Node even after a reset. */
export function isCutOff({ socket }: Pick<NodeAnswer, 'socket'>): boolean {
  return socket !== null && socket.errored !== null
}

// Like Node's own `fetch`: shorter than the 5 seconds after which many servers close an idle connection.
const IDLE_MS = 4_000
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const USUALLY_WITHOUT_BODY: ReadonlySet<string> = new Set([...SAFE, 'DELETE'])

/** The fields of a request in the order of sending, with lower-case names. */
type Fields = ReadonlyMap<string, string>

/** One request, as Node sends it. */
export interface NodeCall {
  readonly options: NodeRequestOptions
  /** Whether its connection carries no other request. */
  readonly isLast: boolean
  /** Sends the body, and ends the request. Without it there is no body. */
  readonly upload: Upload | undefined
}

type Upload = (request: NodeRequest) => void

/** Sends a request, and calls one of the functions, once. The returned function ends the request. */
export type NodeSend = (
  call: NodeCall,
  onAnswer: (answer: NodeAnswer) => void,
  onError: (error: unknown) => void,
) => () => void

export interface NodeModules<Http extends object, Https extends object> {
  readonly http: NodeHttp<Http>
  readonly https: NodeHttp<Https>
}

/** The request for a target. Without `upload` it has no body. */
export function describeCall(
  url: string,
  method: string,
  fields: Fields,
  upload: Upload | undefined,
): NodeCall {
  const hasBody = upload !== undefined
  return {
    options: describeRequest(url, method, framingOf(method, fields, hasBody), fields),
    // Some servers send a body after the head of a HEAD, or do not read that of a GET: it would look like the next message.
    isLast: method === 'HEAD' || (method === 'GET' && hasBody),
    upload,
  }
}

/** The options of Node for a request. Its head has `Host`, the lines for the connection, and the fields in order. */
export function describeRequest(
  url: string,
  method: string,
  connection: readonly string[],
  fields: Fields,
): NodeRequestOptions {
  const originEnd = url.indexOf('/', url.indexOf('//') + 2)
  const { protocol, hostname, port, host } = addressOf(url.slice(0, originEnd))
  const headers = ['host', fields.get('host') ?? host, ...connection]
  for (const [name, value] of fields) if (name !== 'host') headers.push(name, value)
  // The text of the path, as the decision was about it.
  const path = url.slice(originEnd)
  return { protocol, host: hostname, port, method, path, headers, insecureHTTPParser: false }
}

const addresses = new Map<string, Pick<URL, 'protocol' | 'hostname' | 'port' | 'host'>>()

/** The parts of an origin, which are those of the few upstreams of this process. */
function addressOf(origin: string): Pick<URL, 'protocol' | 'hostname' | 'port' | 'host'> {
  const known = addresses.get(origin)
  if (known !== undefined) return known
  const { protocol, hostname, port, host } = new URL(origin)
  const address = { protocol, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port, host }
  addresses.set(origin, address)
  return address
}

/** Creates what sends requests over `node:http` and `node:https`, on connections that it keeps. */
export function createNodeSend<Http extends object, Https extends object>({
  http,
  https,
}: NodeModules<Http, Https>): NodeSend {
  const open = createOpen(http)
  const openSecure = createOpen(https)
  return (call, onAnswer, onError) => {
    const openOne = call.options.protocol === 'https:' ? openSecure : open
    try {
      return send(call, openOne, onAnswer, onError)
    } catch (error) {
      // Node sends no field with a character that a lenient parser accepts.
      onError(error)
      return nothing
    }
  }
}

function nothing(): void {
  // There is no request to end.
}

/** Returns a function that starts a request on an idle connection, or on a new one that is not used again. */
function createOpen<Agent extends object>(module: NodeHttp<Agent>) {
  const kept = new module.Agent({ keepAlive: true, timeout: IDLE_MS })
  return (options: NodeRequestOptions, isNew: boolean): NodeRequest =>
    // Looks `request` up at each call, so that instrumentation installed later sees it.
    module.request({ ...options, agent: isNew ? false : kept })
}

function send(
  { options, isLast, upload }: NodeCall,
  open: (options: NodeRequestOptions, isNew: boolean) => NodeRequest,
  ...[onAnswer, onError]: [Parameters<NodeSend>[1], Parameters<NodeSend>[2]]
): () => void {
  let isAborted = false
  const start = (isRepeat: boolean): NodeRequest => {
    const request = open(options, isRepeat || isLast)
    const isUnanswered = watchAnswer(request)
    request.on('error', (error) => {
      // The upstream closed the idle connection just when it was used again (RFC 9112 §9.3.1).
      const isStale = request.reusedSocket && isUnanswered()
      const mayRepeat = isStale && upload === undefined && SAFE.has(options.method) && !isAborted
      if (!mayRepeat) return onError(error)
      sent = start(true)
    })
    request.on('upgrade', (_answer, socket) => {
      socket.destroy()
      onError(Object.assign(new Error('Unexpected upgrade'), { code: 'UPGRADED' }))
    })
    request.on('response', (answer) => {
      // The answer is complete, so the upstream does not need the rest of the upload.
      if (upload !== undefined)
        answer.once('end', () => request.writableFinished || request.destroy())
      onAnswer(answer)
    })
    if (upload === undefined) request.end()
    else upload(request)
    return request
  }
  let sent = start(false)
  return () => {
    isAborted = true
    sent.destroy(new Error('Aborted'))
  }
}

/** Returns a function that says whether no byte of an answer was received. `bytesRead` counts all bytes of a connection. */
function watchAnswer(request: NodeRequest): () => boolean {
  let readNow = (): number => before
  let before = 0
  request.on('socket', (socket) => {
    before = socket.bytesRead
    readNow = () => socket.bytesRead
  })
  return () => readNow() === before
}

function framingOf(method: string, fields: Fields, hasBody: boolean): string[] {
  if (fields.has('content-length')) return []
  if (hasBody) return ['transfer-encoding', 'chunked']
  return USUALLY_WITHOUT_BODY.has(method) ? [] : ['content-length', '0']
}
