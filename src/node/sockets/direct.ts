import { nodeModule, property } from '../../core/runtime.ts'
import { fieldsOf } from '../../gateway/field-names.ts'
import { createNodeSend, describeCall, isCutOff } from '../../gateway/node-call.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DirectBody, Forwarding, Outcome, UpstreamAnswer } from '../../gateway/exchange.ts'
import type { ClientConnection } from '../../gateway/handler.ts'
import type { NodeAnswer, NodeRequest, NodeSend } from '../../gateway/node-call.ts'
import type { NodeUpload } from '../../gateway/upload.ts'

const NOTHING = new Uint8Array(0)
// A client whose connection closes during its upload may never read the response (RFC 9112 §9.6).
const LINGER_MS = 5_000

/** A response whose body is still with its upstream. */
class PassingResponse extends Response {
  readonly answer: NodeAnswer
  readonly outgoing: ServerResponse

  constructor(init: ResponseInit, answer: NodeAnswer, outgoing: ServerResponse) {
    super(null, init)
    this.answer = answer
    this.outgoing = outgoing
  }
}

/** Finds the connection behind a request of srvx. Other runtimes have none, and an upgrade has none either. */
export function createConnections(): (request: Request) => ClientConnection | undefined {
  if (nodeModule('node:http') === undefined) return () => undefined
  const http = process.getBuiltinModule('node:http')
  const send = createNodeSend({ http, https: process.getBuiltinModule('node:https') })
  return (request) => {
    const node = property(property(request, 'runtime'), 'node')
    const [incoming, outgoing] = [property(node, 'req'), property(node, 'res')]
    if (!(incoming instanceof http.IncomingMessage)) return undefined
    if (!(outgoing instanceof http.ServerResponse)) return undefined
    return {
      incoming,
      exchange: (forwarding, timeoutMs) =>
        exchangeDirectly(send, forwarding, incoming, outgoing, timeoutMs),
    }
  }
}

function exchangeDirectly(
  send: NodeSend,
  { url, init: { method, headers }, hasDirectBody = false }: Forwarding,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  timeoutMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const upload = hasDirectBody
      ? (request: NodeRequest): void => sendBody(incoming, request)
      : undefined
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      forgetClient(outgoing, leave)
      resolve(outcome)
    }
    const end = (code: 'upstream_timeout' | 'client_left'): void => {
      settle({ code })
      abort()
    }
    const leave = (): void => end('client_left')
    const timer = setTimeout(() => end('upstream_timeout'), timeoutMs)
    watchClient(outgoing, leave)
    const abort = send(
      describeCall(url, method, headers, upload),
      (answer) => settle({ response: describeAnswer(answer, outgoing) }),
      (error) => settle({ code: 'upstream_unreachable', error }),
    )
    if (isGone(outgoing)) leave()
  })
}

/** Calls a function once the client has left. */
function watchClient(outgoing: ServerResponse, leave: () => void): void {
  const { socket } = outgoing.req
  // A client may send many requests before it reads the first response.
  socket.setMaxListeners(0)
  outgoing.once('close', leave)
  // Some versions of Node never close a response that waits for its turn on the connection.
  socket.once('close', leave)
}

function forgetClient(outgoing: ServerResponse, leave: () => void): void {
  outgoing.off('close', leave)
  outgoing.req.socket.off('close', leave)
}

function isGone({ destroyed, req }: ServerResponse): boolean {
  return destroyed || req.socket.destroyed
}

function describeAnswer(answer: NodeAnswer, outgoing: ServerResponse): UpstreamAnswer {
  const { rawHeaders, statusCode: status = 0, statusMessage: statusText = '' } = answer
  const body: DirectBody = {
    respond: (init) => new PassingResponse(init, answer, outgoing),
    cancel: () => void answer.destroy(),
  }
  return { status, statusText, headers: fieldsOf(rawHeaders), body }
}

/**
 * Sends a response whose body comes from an upstream, and resolves when it has ended. `undefined` for any other response. If one side
 * breaks off, the connection of the other is destroyed, so that nothing that is incomplete looks complete.
 */
export function sendDirectly(response: Response, isLast: boolean): Promise<void> | undefined {
  if (!(response instanceof PassingResponse)) return undefined
  const { answer, outgoing, status, statusText, headers } = response
  if (isLast) headers.set('connection', 'close')
  const fields: string[] = []
  for (const [name, value] of headers) fields.push(name, value)
  outgoing.writeHead(status, statusText, fields)
  // Almost every answer is here as a whole.
  if (answer.complete && !isCutOff(answer)) {
    outgoing.end(answer.read() ?? NOTHING)
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    const end = (): void => {
      forgetClient(outgoing, end)
      answer.destroy()
      resolve()
    }
    watchClient(outgoing, end)
    if (isGone(outgoing)) end()
    // Sends the head alone.
    if (answer.readableLength === 0) outgoing.write(NOTHING)
    passBytes(answer, outgoing)
  })
}

function sendBody(incoming: IncomingMessage, request: NodeRequest): void {
  // An empty chunk sends the head in Latin-1. `flushHeaders` would encode it as UTF-8.
  request.write(NOTHING)
  passBytes(incoming, request)
  request.once('close', () => {
    if (incoming.closed) return
    // Reads and drops the rest, so that the client can read its response.
    incoming.resume()
    const timer = setTimeout(() => incoming.destroy(), LINGER_MS)
    incoming.once('close', () => clearTimeout(timer))
  })
}

/** Passes a body on as fast as the other side reads it. */
function passBytes(
  from: Pick<NodeAnswer, 'on' | 'pause' | 'resume' | 'readableEnded' | 'socket'>,
  to: NodeUpload,
): void {
  from.on('data', (bytes) => {
    if (!to.destroyed && !to.write(bytes)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => (isCutOff(from) ? to.destroy() : to.end()))
  from.on('close', () => from.readableEnded || to.destroy())
}
