import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from '../../support/project.ts'
import type { Denial } from '../../../src/index.ts'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

type Req = IncomingMessage & { auth?: unknown; body?: unknown }
type Next = (error?: unknown) => void
type Middleware = (req: Req, res: ServerResponse, next: Next) => unknown
type ErrorHandler = (error: unknown, req: Req, res: ServerResponse, next: Next) => unknown

export interface ExpressApp extends RequestListener {
  use(path: string, handler: Middleware): ExpressApp
  use(...handlers: Middleware[]): ExpressApp
  use(handler: ErrorHandler): ExpressApp
}

interface Express {
  (): ExpressApp
  readonly json: () => Middleware
  readonly Router: () => Middleware & ExpressApp
}

interface Injected {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

interface Call {
  readonly method?: string
  readonly url: string
  readonly headers?: Record<string, string>
  readonly payload?: object
}

export interface FastifyApp {
  addHook(name: string, hook: (request: never, reply: never) => unknown): FastifyApp
  decorateRequest(name: string, value: unknown): FastifyApp
  setErrorHandler(handler: (error: unknown) => unknown): FastifyApp
  register(plugin: (app: FastifyApp) => Promise<void>, options?: object): FastifyApp
  all(path: string, handler: (request: { auth?: unknown; body?: unknown }) => unknown): FastifyApp
  inject(call: Call): Promise<Injected>
  listen(options: object): Promise<string>
  close(): Promise<void>
}

const require = createRequire(join(ROOT, 'examples/package.json'))

/** The real frameworks of the examples, with the types that the tests need. */
export const EXPRESS = {
  4: require('express-4') as Express,
  5: require('express') as Express,
}
export const createFastify = require('fastify') as (options?: object) => FastifyApp

/** A rejection with its usual headers, and two cookies. */
export function withCookies({ status, retryAfterMs = 0 }: Denial): Response {
  const headers = new Headers([
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['retry-after', String(retryAfterMs / 1000)],
  ])
  return new Response(null, { status, headers })
}
