import { Socket } from 'node:net'
import { TOKEN } from '../support/token.ts'
import { createCollection } from './collection.ts'
import { watchOutput } from './output.ts'
import type { Collection, Place } from './collection.ts'

export interface Capture {
  readonly take: Collection['take']
  readonly counts: Record<Place | 'read' | 'sent', number>
}

const ERRORS = ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError'] as const

// Test files share a process, so the capture belongs to the process.
const KEY = Symbol.for('with-auth: capture of the tests')
const shared = globalThis as { [KEY]?: Capture & Collection }

/**
 * From the first call on, collects the output of this process and its children, the events and refusals, and the errors
 * that `src` creates. Counts how often a token with the canary was read from a request or sent.
 */
export function startCapture(): Capture & Collection {
  return (shared[KEY] ??= watchAll())
}

function watchAll(): Capture & Collection {
  const collection = createCollection()
  const { add, takes } = collection
  const counts = Object.assign(collection.counts, { read: 0, sent: 0 })
  watchOutput((text) => add('output', text))
  watchEvents((event) => add('event', event))
  watchErrors((error, constructor) => {
    if (takes('error', error) && isMadeInSource(constructor)) add('error', error)
  })
  watchRequests(counts)
  return { ...collection, counts }
}

/** Adds the output of a command that a test runs without printing. */
export function keepOutput(text: string): void {
  startCapture().add('output', text)
}

// `src` freezes every event, refusal and failure.
function watchEvents(see: (event: object) => void): void {
  const { freeze } = Object
  Object.freeze = <T>(value: T): Readonly<T> => {
    if (isReport(value)) see(withoutHiddenError(value))
    return freeze(value)
  }
}

const WITH_ERROR: ReadonlySet<unknown> = new Set([
  'internal_error',
  'unreachable',
  'warning',
  'config_error',
])

/** `event.error` is what a hook threw. It may hold the token, as long as it is not enumerable. */
function withoutHiddenError(report: object): object {
  const { error, ...listed }: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(report)
  const mayHaveError =
    WITH_ERROR.has(listed['reason']?.value) || WITH_ERROR.has(listed['type']?.value)
  const isHidden = error?.get !== undefined && error.enumerable === false
  return mayHaveError && isHidden ? Object.defineProperties({}, listed) : report
}

function isReport(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return 'type' in value || ('status' in value && ('reason' in value || 'code' in value))
}

/** A function whose caller a stack begins with. */
type Called = Parameters<typeof Error.captureStackTrace>[1]

function watchErrors(see: (error: Error, constructor: Called) => void): void {
  for (const name of ERRORS) {
    const construct: ProxyHandler<ErrorConstructor>['construct'] = (target, args, newTarget) => {
      const error = Reflect.construct(target, args, newTarget) as Error
      see(error, newTarget === watched ? construct : newTarget)
      return error
    }
    const watched = new Proxy(globalThis[name] as ErrorConstructor, { construct })
    globalThis[name] = watched as never
  }
}

/**
 * Whether `src` called the constructor, that of a subclass for an error of one. The `stack` of the error would say it too, but
 * building its text takes longer than all the rest.
 */
function isMadeInSource(constructor: Called): boolean {
  const { stackTraceLimit } = Error
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace')
  const caller = { stack: '' }
  Error.stackTraceLimit = 1
  Error.prepareStackTrace = (_, [site]) => site?.getFileName() ?? ''
  Error.captureStackTrace(caller, constructor)
  const { stack } = caller
  Object.assign(Error, { prepareStackTrace, stackTraceLimit })
  return stack === '' || /\/(?:src|dist)\//.test(stack)
}

function watchRequests(counts: Capture['counts']): void {
  const headers: { get: (this: Headers, name: string) => string | null } = Headers.prototype
  const { get } = headers
  headers.get = function read(name) {
    const value = get.call(this, name)
    if (value?.includes(TOKEN) === true) counts.read += 1
    return value
  }
  const sockets = Socket.prototype as { write: (this: Socket, ...args: unknown[]) => boolean }
  const { write } = sockets
  sockets.write = function send(...args) {
    if (mayBeHead(args[0]) && String(args[0]).includes(TOKEN)) counts.sent += 1
    return write.apply(this, args)
  }
}

// Searching a whole upload would delay its response.
function mayBeHead(chunk: unknown): boolean {
  return typeof chunk === 'string' || (chunk instanceof Uint8Array && chunk.byteLength < 16_384)
}
