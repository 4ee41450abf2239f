import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import * as express from '../../../src/express.ts'
import * as fastify from '../../../src/fastify.ts'
import { close, listen } from '../../support/loopback.ts'
import { ROOT } from '../../support/project.ts'
import type { Need } from '../../../src/access.ts'
import type { AuthConfig } from '../../../src/index.ts'
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

export interface FastifyApp {
  addHook(name: string, hook: (request: never, reply: never) => unknown): FastifyApp
  setErrorHandler(handler: (error: unknown) => unknown): FastifyApp
  register(plugin: (app: FastifyApp) => Promise<void>, options?: object): FastifyApp
  all(path: string, handler: (request: { auth?: unknown; body?: unknown }) => unknown): FastifyApp
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

/** The steps before the handler, in their order: a guard, a check, a header of the application, or its own code. */
export type Step =
  | { guard: AuthConfig }
  | { need: Need }
  | { header: readonly [name: string, value: string] }
  /** Other middleware, which answers while later steps wait. */
  | { answers: string }
  | { run: (request: object) => unknown }

/** The handler and the error handler of an app. */
export interface Seen {
  readonly handler: () => void
  readonly onError: (error: unknown) => void
}

export const watch = () => ({
  handler: vi.fn<() => void>(),
  onError: vi.fn<(error: unknown) => void>(),
})

/** Serves a handler that shows the caller and the JSON of the body until the end of the test. Returns the URL. */
export type Serve = (steps: readonly Step[], seen?: Seen) => Promise<string>

function middlewareOf(step: Step): Middleware {
  if ('guard' in step) return express.auth(step.guard)
  if ('need' in step) return express.access(step.need)
  return (req, res, next) => {
    if ('header' in step) res.setHeader(...step.header)
    if ('run' in step) step.run(req)
    next()
    if ('answers' in step) res.end(step.answers)
  }
}

/** Serves an app until the end of the test. Returns the origin. */
export async function serveApp(app: RequestListener): Promise<string> {
  const server = createServer(app)
  onTestFinished(() => close(server))
  return `http://127.0.0.1:${await listen(server)}`
}

const serveExpress =
  (version: 4 | 5): Serve =>
  async (steps, { handler, onError } = watch()) => {
    const app = EXPRESS[version]()
    for (const step of steps) app.use(middlewareOf(step))
    app.use(EXPRESS[version].json())
    app.use((req, res) => {
      handler()
      res.end(JSON.stringify({ in: true, auth: req.auth ?? null, body: req.body ?? null }))
    })
    app.use((error: unknown, _req: Req, res: ServerResponse, _next: Next) => {
      onError(error)
      res.end()
    })
    return `${await serveApp(app)}/notes`
  }

interface Reply {
  header(...field: readonly string[]): void
  send(text: string): void
}

function hookOf(step: Step) {
  if ('guard' in step) return fastify.auth(step.guard)
  if ('need' in step) return fastify.access(step.need)
  return async (request: object, reply: Reply): Promise<void> => {
    if ('header' in step) reply.header(...step.header)
    if ('run' in step) step.run(request)
    if ('answers' in step) setTimeout(() => reply.send(step.answers), 10)
  }
}

/** Listens until the end of the test. Returns the origin. */
export function listenBy(app: FastifyApp): Promise<string> {
  onTestFinished(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const serveFastify: Serve = async (steps, { handler, onError } = watch()) => {
  const app = createFastify()
  app.setErrorHandler(onError)
  for (const step of steps) app.addHook('onRequest', hookOf(step))
  app.all('/*', (request) => {
    handler()
    return { in: true, auth: request.auth ?? null, body: request.body ?? null }
  })
  return `${await listenBy(app)}/notes`
}

export const FRAMEWORKS = [
  ['with-auth/express in Express 4', serveExpress(4)],
  ['with-auth/express in Express 5', serveExpress(5)],
  ['with-auth/fastify', serveFastify],
] as const
