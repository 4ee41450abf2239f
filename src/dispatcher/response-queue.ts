import { findErrorCode } from '../core/redaction.ts'
import { isRaw, readField, readFields } from './raw-fields.ts'
import type { FieldRecord, RawText } from './raw-fields.ts'
import type { TransportResponse } from '../core/verifier.ts'

/** undici's controls of an incoming response. */
export interface ResponseController {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

type Step = IteratorResult<Uint8Array, undefined>

interface Waiting {
  readonly resolve: (step: Step) => void
  readonly reject: (error: Error) => void
}

// The core reads no more of a body.
const MAX_WAITING_BYTES = 65_536
const FAILED = 'No whole response from the endpoint'
const END: Step = { done: true, value: undefined }

/**
 * Turns the callbacks of a dispatcher of undici into one response: the status as soon as it is there, then the body chunk by chunk.
 * It buffers 64 KiB of unread body, and leaves the rest on the connection. These are the callbacks of undici 6 and 7.
 */
export class ResponseQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #begun: (response: TransportResponse) => void
  readonly #failed: (error: Error) => void
  readonly #signal: AbortSignal
  readonly #abort = (): void => this.#giveUp('the call was aborted')
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  #hasBegun = false
  #paused = false
  #endConnection: ((reason: Error) => void) | undefined
  #resume: (() => void) | undefined
  #waiting: Waiting | undefined
  /** How the response ended: whole, or with an error. */
  #end: 'whole' | Error | undefined

  constructor(
    begun: (response: TransportResponse) => void,
    failed: (error: Error) => void,
    signal: AbortSignal,
  ) {
    this.#begun = begun
    this.#failed = failed
    this.#signal = signal
    signal.addEventListener('abort', this.#abort)
    if (signal.aborted) this.#abort()
  }

  onConnect(endConnection: (reason: Error) => void, context?: unknown): void {
    this.#endConnection = endConnection
    // An interceptor may follow a redirect despite `maxRedirections: 0`. The token must not go to the new address.
    if (isRedirected(context)) this.#fail(redirected())
    // Aborted before there was a connection: nothing is sent.
    if (this.#end instanceof Error) endConnection(this.#end)
  }

  onHeaders(status: number, headers: readonly RawText[] | FieldRecord, resume?: () => void): true {
    if (status < 200) return true
    this.#hasBegun = true
    this.#resume = resume
    const fields = isRaw(headers) ? readFields(headers) : headers
    this.#begun({ status, headers: { get: (name) => readField(fields, name) }, body: this })
    return true
  }

  /** Returns whether the connection may go on. */
  onData(chunk: Uint8Array): boolean {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting.resolve({ done: false, value: chunk })
      return true
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
    this.#paused = this.#bytes >= MAX_WAITING_BYTES
    return !this.#paused
  }

  onComplete(): void {
    this.#settle('whole')
    this.#waiting?.resolve(END)
  }

  onError(error: unknown): void {
    const answer =
      this.#hasBegun || this.#endConnection === undefined ? undefined : readAnswer(error)
    if (answer === undefined) return this.#fail(describe(error))
    this.onHeaders(answer.status, answer.headers)
    this.onComplete()
  }

  next(): Promise<Step> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) return Promise.resolve(this.#take(chunk))
    if (this.#end === 'whole') return Promise.resolve(END)
    if (this.#end !== undefined) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  /** Ends the connection, unless the response is complete. */
  return(): Promise<Step> {
    this.#giveUp('its body was cancelled')
    return Promise.resolve(END)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(chunk: Uint8Array): Step {
    this.#bytes -= chunk.byteLength
    if (this.#paused && this.#bytes < MAX_WAITING_BYTES) {
      this.#paused = false
      this.#resume?.()
    }
    return { done: false, value: chunk }
  }

  #giveUp(why: string): void {
    if (this.#end !== undefined) return
    const error = new Error(`${FAILED}: ${why}`)
    this.#fail(error)
    this.#endConnection?.(error)
  }

  #fail(error: Error): void {
    if (this.#end !== undefined) return
    this.#settle(error)
    this.#failed(error)
    this.#waiting?.reject(error)
  }

  #settle(end: 'whole' | Error): void {
    this.#end ??= end
    this.#signal.removeEventListener('abort', this.#abort)
  }
}

/** {@link ResponseQueue} with the callbacks of undici 8, which its later 7 also knows. */
export class EventQueue extends ResponseQueue {
  onRequestStart(controller: ResponseController, context?: unknown): void {
    this.onConnect((reason) => controller.abort(reason), context)
  }

  onResponseStart(controller: ResponseController, status: number, headers: FieldRecord): void {
    this.onHeaders(status, headers, () => controller.resume())
  }

  onResponseData(controller: ResponseController, chunk: Uint8Array): void {
    if (!this.onData(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.onComplete()
  }

  onResponseError(_controller: ResponseController | undefined, error: unknown): void {
    this.onError(error)
  }
}

// undici's redirect interceptor lists the earlier URLs in `history`.
function isRedirected(context: unknown): boolean {
  const history: unknown = Reflect.get(Object(context), 'history')
  return Array.isArray(history) && history.length > 0
}

function redirected(): Error {
  const error = new Error(`${FAILED}: the dispatcher followed a redirect`)
  return Object.assign(error, { code: 'REDIRECTED' })
}

// undici's interceptors `responseError` and `retry` turn a status into an error. A denial must stay a denial: as an outage it
// would allow a stale decision.
function readAnswer(error: unknown): { status: number; headers: FieldRecord } | undefined {
  const status: unknown = Reflect.get(Object(error), 'statusCode')
  const headers: unknown = Reflect.get(Object(error), 'headers')
  if (typeof status !== 'number' || !(status >= 400 && status <= 599)) return undefined
  return { status, headers: isHeaders(headers) ? headers : {} }
}

function isHeaders(value: unknown): value is FieldRecord {
  return typeof value === 'object' && value !== null
}

// Keeps only the code: undici's errors hold received bytes, and might hold the token one day.
function describe(error: unknown): Error {
  const code = findErrorCode(error)
  const described = new Error(`${FAILED}: ${code ?? 'unknown error'}`)
  return code === undefined ? described : Object.assign(described, { code })
}
