/**
 * A Fastify hook that checks requests with your auth endpoint.
 *
 * @module with-auth/fastify
 */
import { setAuth } from './node/auth-property.ts'
import { toHeaderOnlyRequest } from './node/header-only-request.ts'
import { createIncomingAuthenticator } from './node/incoming-authenticator.ts'
import { readRejection } from './node/rejection.ts'
import type { AuthConfigSource } from './core/auth-config.ts'
import type { Auth } from './core/types.ts'
import type { NodeRequest } from './node.ts'

/**
 * A request behind {@link auth}. With the types of Fastify write `AuthRequest<FastifyRequest>` as the type of `request`.
 *
 * `auth` is `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode.
 */
export type AuthRequest<Base extends object = object> = Base & { auth?: Auth | undefined }

/** The parts of Fastify's reply that {@link auth} uses. */
export interface AuthReply {
  code(status: number): unknown
  headers(values: Record<string, string | string[]>): unknown
  send(payload?: unknown): unknown
}

/** The hook that {@link auth} makes. */
export type AuthHook = (
  request: { readonly raw: NodeRequest },
  reply: AuthReply,
) => Promise<unknown>

/**
 * Makes a Fastify hook for `onRequest`. It goes on only if the auth endpoint answered 200 for the token of the request, and sets
 * `request.auth`. It answers every other request by itself, with the status, headers and body of the rejection, and calls no
 * error handler. It works in Fastify 5.
 *
 * Fastify runs `onRequest` before it parses the body. A hook guards the routes of its plugin; one of the root guards all.
 *
 * @param config The config; a synchronous function that makes it, called until it succeeds once; or nothing, which uses
 * `AUTH_ENDPOINT` of `process.env`.
 * @throws AuthConfigError for a config that cannot be used.
 *
 * @example
 * ```ts node
 * import { auth, type AuthRequest } from 'with-auth/fastify'
 *
 * export const guard = auth({ endpoint: 'https://auth.example.com/validate' })
 *
 * // app.addHook('onRequest', guard)
 * export async function whoIs(request: AuthRequest): Promise<unknown> {
 *   return { principal: request.auth?.principal }
 * }
 * ```
 */
export function auth(config?: AuthConfigSource<[]>): AuthHook {
  const authenticate = createIncomingAuthenticator(config)
  return async (request, reply) => {
    setAuth(request, undefined)
    // Not the request itself: its `originalUrl` is the target before `rewriteUrl`, and Fastify routes the one after.
    const { method, url, rawHeaders } = request.raw
    const sent = toHeaderOnlyRequest({ method, url, rawHeaders })
    const result = await authenticate(sent, request.raw)
    if (result.ok) return setAuth(request, result.auth)
    const { status, headers, body } = await readRejection(result.response)
    reply.code(status)
    reply.headers(headers)
    // Not a Response: Fastify would hand it to its error handler.
    reply.send(body)
    return reply
  }
}
