/**
 * An Express middleware that checks requests with your auth endpoint.
 *
 * @module with-auth/express
 */
import { parseNeed } from './needs/need.ts'
import { setAuth } from './node/auth-property.ts'
import { checkIncoming, guardIncoming } from './node/guarded-incoming.ts'
import { createIncomingAuthenticator } from './node/incoming-authenticator.ts'
import { readRejection } from './node/rejection.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthConfig, AuthConfigSource, CallerOf } from './core/auth-config.ts'
import type { Auth } from './core/types.ts'
import type { Need } from './needs/need.ts'

export type { Need }

/**
 * A request behind {@link auth}. With the types of Express write `AuthRequest<Request>` as the type of `req`.
 *
 * `auth` is `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode.
 */
export type AuthRequest<Base extends IncomingMessage = IncomingMessage> = Base & {
  auth?: Auth | undefined
}

/**
 * The type of what {@link auth} sets on a request, by its config. With the types of the framework, this gives every `req` its type:
 * `declare global { namespace Express { interface Request extends Guarded<typeof config> {} } }`.
 */
export interface Guarded<Config = AuthConfig> {
  /** `undefined` only if the config has a public path, allows preflights, or may be in shadow mode. */
  auth: CallerOf<Config>
}

/** The middleware that {@link auth} makes. Connect and others that take `(req, res, next)` can use it too. */
export type AuthMiddleware = (req: IncomingMessage, res: ServerResponse, next: () => void) => void

/**
 * Makes an Express middleware that goes on only if the auth endpoint answered 200 for the token of the request, and sets
 * `req.auth`. It answers every other request by itself, with the status, headers and body of the rejection, and calls no error
 * handler. It works in Express 4 and 5.
 *
 * Express runs middleware in the order of registration: put it before body parsers, static files and routes. It decides about
 * the whole path, also in a router.
 *
 * @param config The config; a synchronous function that makes it, called until it succeeds once; or nothing, which uses
 * `AUTH_ENDPOINT` of `process.env`.
 * @throws AuthConfigError for a config that cannot be used.
 *
 * @example
 * ```ts node
 * import { createServer } from 'node:http'
 * import { auth, type AuthRequest } from 'with-auth/express'
 *
 * const guard = auth({ endpoint: 'https://auth.example.com/validate' })
 *
 * // In Express: app.use(guard)
 * createServer((req: AuthRequest, res) =>
 *   guard(req, res, () => res.end(`Hello ${req.auth?.principal}`)),
 * ).listen(3000)
 * ```
 */
export function auth(config?: AuthConfigSource<[]>): AuthMiddleware {
  const authenticate = createIncomingAuthenticator(config)
  return (req, res, next) => {
    // Now, so that no handler sees another value, not even one that does not wait for its turn.
    setAuth(req, undefined)
    void guard(authenticate, req, res, next)
  }
}

async function guard(
  authenticate: Parameters<typeof guardIncoming>[0],
  req: IncomingMessage,
  res: ServerResponse,
  next: () => void,
): Promise<void> {
  const result = await guardIncoming(authenticate, req)
  setAuth(req, result.ok ? result.auth : undefined)
  return result.ok ? next() : send(result.response, res)
}

/**
 * Makes an Express middleware that goes on only for callers who have what is needed. It comes after {@link auth}. Every other
 * request it answers by itself: with 403, or with 401 if the request has no identity, as on a public path. A request that no guard
 * admitted gets 500. It leaves `req.auth` as it is, and does not read it.
 *
 * @param need What the caller must have. All of it must hold.
 * @throws AuthConfigError for a need that cannot be used.
 *
 * @example
 * ```ts node
 * import { access } from 'with-auth/express'
 *
 * export const admins = access({ roles: ['admin'] })
 *
 * // app.use(auth(config))
 * // app.delete('/notes/:id', admins, handler)
 * ```
 */
export function access(need: Need): AuthMiddleware {
  const parsed = parseNeed(need)
  return (req, res, next) => {
    const rejection = checkIncoming(req, parsed)
    if (rejection === undefined) next()
    else void send(rejection.response, res)
  }
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  const { status, headers, body } = await readRejection(response)
  // Another middleware has answered in the meantime, such as one that limits the time.
  if (res.headersSent) return
  res.writeHead(status, { ...headers, 'content-length': body.byteLength }).end(body)
}
