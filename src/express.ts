/**
 * An Express middleware that checks requests with your auth endpoint.
 *
 * @module with-auth/express
 */
import { createNodeAuthenticator } from './node.ts'
import { setAuth } from './node/auth-property.ts'
import { readRejection } from './node/rejection.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthConfigSource } from './core/auth-config.ts'
import type { Auth } from './core/types.ts'
import type { NodeAuthenticator } from './node.ts'

/**
 * A request behind {@link auth}. With the types of Express write `AuthRequest<Request>` as the type of `req`.
 *
 * `auth` is `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode.
 */
export type AuthRequest<Base extends IncomingMessage = IncomingMessage> = Base & {
  auth?: Auth | undefined
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
  const authenticate = createNodeAuthenticator(config)
  return (req, res, next) => {
    // Now, so that no handler sees another value, not even one that does not wait for its turn.
    setAuth(req, undefined)
    void guard(authenticate, req, res, next)
  }
}

async function guard(
  authenticate: NodeAuthenticator,
  req: IncomingMessage,
  res: ServerResponse,
  next: () => void,
): Promise<void> {
  const result = await authenticate(req)
  setAuth(req, result.ok ? result.auth : undefined)
  if (result.ok) return next()
  const { status, headers, body } = await readRejection(result.response)
  // Another middleware has answered in the meantime, such as one that limits the time.
  if (res.headersSent) return
  res.writeHead(status, { ...headers, 'content-length': body.byteLength }).end(body)
}
