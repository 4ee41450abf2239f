import { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { format, inspect } from 'node:util'
import { CANARY } from './canary.ts'

/** Where the token must not be. */
export type Place = 'output' | 'event' | 'error'

export interface Capture {
  /** What came since it was asked last, as text. */
  readonly take: () => { readonly place: Place; readonly text: string }[]
  readonly counts: Record<Place | 'read' | 'sent', number>
}

interface Found {
  readonly place: Place
  readonly value: unknown
}

/** srvx prints the target of each request, with the tokens that clients put into queries. */
const ACCESS_LOG = /^\[[\d:]+ [AP]M\] [A-Z]+ http:\S+ \[\d{3}\] \([\d.]+ms\)$/gm

/** More of one test are counted, but not kept. */
const MOST = 1000
const counts = { output: 0, event: 0, error: 0, read: 0, sent: 0 }
let found: Found[] = []
const ERRORS = ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError'] as const

/**
 * Keeps what is printed by this process and its children, the events and refusals, and the errors that `src` makes, from
 * now on. Counts how often a token with the canary was read from a request, or sent.
 */
export function startCapture(): Capture {
  watchConsole(keepOutput)
  watchStreams(keepOutput)
  watchEvents((event) => keep('event', event))
  watchErrors((error) => {
    // A stack is text only when it is read, which costs more than all the rest.
    if (found.length < MOST && isMadeInSource(error.stack ?? '')) keep('error', error)
  })
  watchRequests()
  const take = (): { place: Place; text: string }[] => {
    const taken = found
    found = []
    return taken.map(({ place, value }) => ({ place, text: textOf(value) }))
  }
  return { take, counts }
}

/** Adds what a command prints in a test, where nothing is printed. */
export function keepOutput(text: string): void {
  keep('output', text)
}

function keep(place: Place, value: unknown): void {
  counts[place] += 1
  if (found.length < MOST) found.push({ place, value })
}

// Also where a test has put a spy in the place of a method, whose calls are then seen all the same.
function watchConsole(see: (text: string) => void): void {
  const watched = new WeakMap<object, unknown>()
  const watch = (method: (...args: unknown[]) => unknown): unknown => {
    const known = watched.get(method)
    if (known !== undefined) return known
    const seen = new Proxy(method, {
      apply: (target, self, args: unknown[]) => {
        see(args.map(textOf).join(' ') + format(...args))
        return Reflect.apply(target, self, args)
      },
    })
    watched.set(method, seen)
    watched.set(seen, seen)
    return seen
  }
  globalThis.console = new Proxy(console, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? watch(value as () => unknown) : value
    },
  })
}

function watchStreams(see: (text: string) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream)
    stream.write = ((...args: Parameters<typeof write>) => {
      see(String(args[0]))
      return write(...args)
    }) as typeof stream.write
  }
  // What a child prints, before anybody reads it.
  const children = ChildProcess.prototype as unknown as { spawn: (options: object) => number }
  const { spawn } = children
  children.spawn = function launch(this: ChildProcess, options: object): number {
    const result = spawn.call(this, options)
    for (const stream of this.stdio) {
      if (stream === null || stream === undefined || !('push' in stream)) continue
      const push = stream.push.bind(stream)
      stream.push = (chunk: Buffer | string | null, encoding?: BufferEncoding) => {
        if (chunk !== null) see(chunk.toString().replaceAll(ACCESS_LOG, ''))
        return push(chunk, encoding)
      }
    }
    return result
  }
}

// Every event, refusal and failure that is handed out is frozen.
function watchEvents(see: (event: object) => void): void {
  const { freeze } = Object
  Object.freeze = <T>(value: T): Readonly<T> => {
    if (isReport(value)) see(value)
    return freeze(value)
  }
}

function isReport(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return 'type' in value || ('status' in value && ('reason' in value || 'code' in value))
}

function watchErrors(see: (error: Error) => void): void {
  for (const name of ERRORS) {
    globalThis[name] = new Proxy(globalThis[name] as ErrorConstructor, {
      construct: (target, args, newTarget: new () => unknown) => {
        const error = Reflect.construct(target, args, newTarget) as Error
        see(error)
        return error
      },
    }) as never
  }
}

function isMadeInSource(stack: string): boolean {
  const frames = stack.split('\n    at ').slice(1)
  const maker = frames.find((frame) => !frame.includes('/tests/secrets/'))
  return maker === undefined || /\/(?:src|dist)\//.test(maker)
}

function watchRequests(): void {
  const headers: { get: (this: Headers, name: string) => string | null } = Headers.prototype
  const { get } = headers
  headers.get = function read(name) {
    const value = get.call(this, name)
    if (value?.includes(CANARY) === true) counts.read += 1
    return value
  }
  const sockets = Socket.prototype as { write: (this: Socket, ...args: unknown[]) => boolean }
  const { write } = sockets
  sockets.write = function send(...args) {
    if (String(args[0]).includes(CANARY)) counts.sent += 1
    return write.apply(this, args)
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const shown = inspect(value, { depth: 8, showHidden: true, maxStringLength: null })
  return `${shown} ${jsonOf(value)} ${value instanceof Error ? chainOf(value) : ''}`
}

function chainOf(error: Error): string {
  const { message, stack, cause } = error
  const own = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error, name) as unknown)
  const next = cause instanceof Error ? chainOf(cause) : String(cause)
  return `${message} ${stack} ${own.map(jsonOf).join(' ')} ${next}`
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
