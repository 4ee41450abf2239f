import { fieldsOf, inOrder } from './field-names.ts'
import { createNodeSend, describeCall, isCutOff } from './node-call.ts'
import { sendBody } from './upload.ts'
import type { NodeAnswer, NodeModules, NodeRequest } from './node-call.ts'
import type { UpstreamFetch, UpstreamResponse } from './exchange.ts'

type Controller = ReadableStreamDefaultController<Uint8Array>

const NOTHING = new Uint8Array(0)
/**
 * Creates a `fetch` over `node:http` and `node:https`. Unlike Node's own it does not keep uploads in memory, sets no deadline,
 * adds no headers, decodes no body, and never repeats a request because of its response.
 */
export function createNodeFetch<Http extends object, Https extends object>(
  modules: NodeModules<Http, Https>,
): UpstreamFetch {
  const send = createNodeSend(modules)
  return (url, { method, headers, ownHeaders, body, signal }) =>
    new Promise((resolve, reject) => {
      const fields = new Map(inOrder(headers, ownHeaders))
      const length = headers.get('content-length')
      const upload =
        body === null
          ? undefined
          : (request: NodeRequest): void => void sendBody(body, request, length)
      const answer = (answered: NodeAnswer): void => {
        try {
          resolve(readAnswer(answered))
        } catch (error) {
          // Node's parser accepts some fields that `Headers` rejects.
          answered.destroy()
          reject(error)
        }
      }
      const abort = send(describeCall(url, method, fields, upload), answer, reject)
      signal.addEventListener('abort', abort)
      if (signal.aborted) abort()
    })
}

function readAnswer(answer: NodeAnswer): UpstreamResponse {
  const { rawHeaders, statusCode: status = 0, statusMessage: statusText = '' } = answer
  const headers = new Headers(fieldsOf(rawHeaders))
  return { status, statusText, headers, body: streamAnswer(answer) }
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
      answer.on('end', () => isCancelled || isCutOff(answer) || controller.close())
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
