import { AuthConfigError } from '../core/errors.ts'
import type { ResponseController } from '../dispatcher/response-queue.ts'
import type { DispatchOptions } from '../dispatcher/node-fetch.ts'
import type { SecureContext } from 'node:tls'
import type { SecureContextSource } from './secure-context.ts'

/** undici's callbacks for one request. */
export interface ResponseHandler {
  onRequestStart(controller: ResponseController, context?: unknown): void
  onResponseStart(
    controller: ResponseController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void
  onResponseData(controller: ResponseController, chunk: Uint8Array): void
  onResponseEnd(controller: ResponseController, trailers: unknown): void
  onResponseError(controller: ResponseController, error: Error): void
}

/** The part of undici's `Dispatcher` that is used. An `Agent`, a `MockAgent` and others have it. */
export interface NodeDispatcher {
  dispatch(options: DispatchOptions, handler: ResponseHandler): boolean
}

/** How to open connections to the endpoint. */
export interface ConnectionOptions {
  readonly connections?: number
  readonly connectTimeoutMs: number
  readonly secureContexts?: SecureContextSource
}

/** A dispatcher that `nodeTransport` opens and closes. */
export interface OwnAgent extends NodeDispatcher {
  /** Closes each connection once it is idle. */
  close(): Promise<unknown>
}

type Connect = (
  options: object,
  callback: (error: Error | null, socket: unknown) => void,
) => unknown

/** The part of undici that is used. */
interface Undici {
  readonly Agent: new (options: object) => OwnAgent
  readonly buildConnector: (options: object) => Connect
}

// Built-in modules are looked up when they are needed: a bundle for Workers may hold this file, and never run it.
function requireFrom<Module>(name: string): Module {
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(import.meta.url)(name) as Module
}

/** Loads undici and creates an agent, without a connection. Throws an `AuthConfigError` if no usable undici is installed. */
export function openAgent({
  connections,
  connectTimeoutMs: timeout,
  secureContexts,
}: ConnectionOptions): OwnAgent {
  const { Agent, buildConnector } = loadUndici()
  const build = (secureContext: SecureContext): Connect =>
    buildConnector({ allowH2: false, timeout, secureContext })
  return new Agent({
    allowH2: false,
    pipelining: 1,
    // The signal of each call bounds it, so undici needs no timers.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: secureContexts === undefined ? { timeout } : connectWith(secureContexts, build),
    ...(connections === undefined ? {} : { connections }),
  })
}

// A connector resumes earlier TLS sessions, so new certificates need a new connector.
function connectWith(
  secureContexts: SecureContextSource,
  build: (context: SecureContext) => Connect,
): Connect {
  let last: { readonly context: SecureContext; readonly connect: Connect } | undefined
  return (options, callback) => {
    try {
      const context = secureContexts()
      if (last?.context !== context) last = { context, connect: build(context) }
      return last.connect(options, callback)
    } catch {
      const error = Object.assign(new Error('No certificates'), { code: 'CERT_UNREADABLE' })
      return queueMicrotask(() => callback(error, null))
    }
  }
}

function loadUndici(): Undici {
  const major = checkUndici()
  try {
    const { Agent, buildConnector } = requireFrom<Undici>('undici')
    return { Agent, buildConnector }
  } catch {
    // Each major version needs a newer Node.
    throw missing(
      `undici ${major} does not load on Node ${process.versions.node}: npm install undici@7`,
    )
  }
}

function checkUndici(): number {
  if ('bun' in process.versions) {
    throw missing('it needs Node. On Bun leave "fetch" out: its own fetch is as fast')
  }
  const version = readVersion()
  if (version === undefined) {
    throw missing('the package "undici" is not installed: npm install undici@7')
  }
  const [major = 0, minor = 0] = version.split('.', 2).map(Number)
  if (isSupported(major, minor)) return major
  throw missing(
    `it needs undici 7.28 or later, or 8.5 or later, found ${version}: npm install undici@7`,
  )
}

// Older versions send a question on a connection that the endpoint has just closed, and so reject valid tokens.
function isSupported(major: number, minor: number): boolean {
  if (major === 7) return minor >= 28
  if (major === 8) return minor >= 5
  return major > 8
}

function readVersion(): string | undefined {
  try {
    const { version } = requireFrom<{ version: string }>('undici/package.json')
    return version
  } catch {
    return undefined
  }
}

function missing(why: string): AuthConfigError {
  return new AuthConfigError('fetch', `nodeTransport() cannot be used: ${why}`)
}
