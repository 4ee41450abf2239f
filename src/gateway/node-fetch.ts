import { fieldsOf, inOrder } from './field-names.ts'
import { sendBody } from './upload.ts'
import type { NodeUpload } from './upload.ts'
import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from './exchange.ts'

/** The parts of `node:http` and `node:https` that are used. Other runtimes do not have Node's types. */
export interface NodeHttp<Agent extends object = object> {
  readonly Agent: new (options: { keepAlive: boolean; timeout: number }) => Agent
  readonly request: (options: NodeRequestOptions & { agent: Agent | false }) => NodeRequest
}

interface NodeRequestOptions {
  readonly host: string
  readonly port: string
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
  readonly insecureHTTPParser: boolean
}

/** The part of Node's `IncomingMessage` that is read. */
interface NodeAnswer {
  readonly statusCode?: number | undefined
  readonly statusMessage?: string | undefined
  readonly rawHeaders: readonly string[]
  read(): unknown
  destroy(): unknown
  on(event: 'readable' | 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'end', listener: () => void): unknown
}

interface NodeSocket {
  readonly bytesRead: number
  destroy(): unknown
}

interface NodeRequest extends NodeUpload {
  readonly reusedSocket: boolean
  on(event: 'response', listener: (answer: NodeAnswer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'socket', listener: (socket: NodeSocket) => void): unknown
  on(event: 'upgrade', listener: (answer: unknown, socket: NodeSocket) => void): unknown
}

type Controller = ReadableStreamDefaultController<Uint8Array>

// Like Node's own `fetch`: shorter than the 5 seconds after which many servers close an idle connection.
const IDLE_MS = 4_000
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const NOTHING = new Uint8Array(0)
const USUALLY_WITHOUT_BODY: ReadonlySet<string> = new Set([...SAFE, 'DELETE'])

/**
 * Creates a `fetch` over `node:http` and `node:https`. Unlike Node's own it does not keep uploads in memory, sets no deadline,
 * adds no headers, decodes no body, and never repeats a request because of its response.
 */
export function createNodeFetch<Http extends object, Https extends object>(modules: {
  readonly http: NodeHttp<Http>
  readonly https: NodeHttp<Https>
}): UpstreamFetch {
  const open = createOpen(modules.http)
  const openSecure = createOpen(modules.https)
  return async (url, init) => {
    const options = describeRequest(url, framingOf(init), init)
    // Some servers send a body after the head of a HEAD, or do not read that of a GET: it would look like the next message.
    const isLast = init.method === 'HEAD' || (init.method === 'GET' && init.body !== null)
    const openOne = url.startsWith('https:') ? openSecure : open
    return send(init, (isRepeat) => openOne(options, isRepeat || isLast))
  }
}

/** The options of Node for a request. Its head has `Host`, the lines for the connection, and the fields in order. */
export function describeRequest(
  url: string,
  connection: readonly string[],
  { method, headers, ownHeaders }: Omit<UpstreamRequest, 'signal'>,
): NodeRequestOptions {
  const { hostname, port, host, origin } = new URL(url)
  const fields = inOrder(headers, ownHeaders).filter(([name]) => name !== 'host')
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    method,
    // The text of the path, as the decision was about it.
    path: url.slice(origin.length),
    headers: ['host', headers.get('host') ?? host, ...connection, ...fields.flat()],
    insecureHTTPParser: false,
  }
}

/** Returns a function that starts a request on an idle connection, or on a new one that is not used again. */
function createOpen<Agent extends object>(module: NodeHttp<Agent>) {
  const kept = new module.Agent({ keepAlive: true, timeout: IDLE_MS })
  return (options: NodeRequestOptions, isNew: boolean): NodeRequest =>
    // Looks `request` up at each call, so that instrumentation installed later sees it.
    module.request({ ...options, agent: isNew ? false : kept })
}

function send(
  init: UpstreamRequest,
  open: (isRepeat: boolean) => NodeRequest,
  isRepeat: boolean = false,
): Promise<UpstreamResponse> {
  const { method, headers, body, signal } = init
  return new Promise((resolve, reject) => {
    const request = open(isRepeat)
    const isUnanswered = watchAnswer(request)
    const abort = (): void => request.destroy(new Error('Aborted'))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    request.on('error', (error) => {
      // The upstream closed the idle connection just when it was used again (RFC 9112 §9.3.1).
      const isStale = request.reusedSocket && isUnanswered()
      const mayRepeat = isStale && body === null && SAFE.has(method) && !signal.aborted
      if (!mayRepeat) return reject(error)
      resolve(send(init, open, true))
    })
    request.on('upgrade', (_answer, socket) => {
      socket.destroy()
      reject(Object.assign(new Error('Unexpected upgrade'), { code: 'UPGRADED' }))
    })
    request.on('response', (answer) => {
      // The answer is complete, so the upstream does not need the rest of the upload.
      answer.once('end', () => request.writableFinished || request.destroy())
      try {
        resolve(readAnswer(answer))
      } catch (error) {
        // Node's parser accepts some fields that `Headers` rejects.
        answer.destroy()
        reject(error)
      }
    })
    if (body === null) return request.end()
    void sendBody(body, request, headers.get('content-length'))
  })
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

function framingOf({ method, headers, body }: UpstreamRequest): string[] {
  if (headers.has('content-length')) return []
  if (body !== null) return ['transfer-encoding', 'chunked']
  return USUALLY_WITHOUT_BODY.has(method) ? [] : ['content-length', '0']
}

function readAnswer(answer: NodeAnswer): UpstreamResponse {
  const { rawHeaders, statusCode: status = 0, statusMessage: statusText = '' } = answer
  return { status, statusText, headers: fieldsOf(rawHeaders), body: streamAnswer(answer) }
}

/**
 * Returns the body of an answer, read on demand. It errors if the answer breaks off. If there are no bytes yet, it starts with
 * an empty chunk: servers on Node send the head together with the first chunk.
 */
function streamAnswer(answer: NodeAnswer): ReadableStream<Uint8Array> {
  let onReadable: (() => void) | undefined
  let hasBegun = false
  let isCancelled = false

  /** Returns whether a chunk was read. */
  function advance(controller: Controller): boolean {
    const bytes = answer.read()
    if (!(bytes instanceof Uint8Array)) return false
    controller.enqueue(bytes)
    return true
  }

  function waitAndAdvance(controller: Controller): Promise<void> {
    return new Promise((resolve) => {
      onReadable = () => {
        if (!advance(controller)) return
        onReadable = undefined
        resolve()
      }
    })
  }

  const source: UnderlyingDefaultSource<Uint8Array> = {
    start: (controller) => {
      answer.on('readable', () => onReadable?.())
      answer.on('end', () => isCancelled || controller.close())
      answer.on('error', (error) => controller.error(error))
      answer.on('close', () => controller.error(new Error('The answer broke off')))
    },
    pull: (controller) => {
      const isFirst = !hasBegun
      hasBegun = true
      if (advance(controller)) return undefined
      if (!isFirst) return waitAndAdvance(controller)
      controller.enqueue(NOTHING)
      return undefined
    },
    cancel: () => {
      isCancelled = true
      answer.destroy()
    },
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}
