/**
 * A Fastify hook that checks requests with your auth endpoint.
 *
 * @module with-auth/fastify
 */
import { parseNeed } from './needs/need.ts'
import { setAuth } from './node/auth-property.ts'
import { checkIncoming, guardIncoming } from './node/guarded-incoming.ts'
import { createIncomingAuthenticator } from './node/incoming-authenticator.ts'
import { readRejection } from './node/rejection.ts'
import type { AuthConfig, AuthConfigSource, CallerOf } from './core/auth-config.ts'
import type { Auth } from './core/types.ts'
import type { Need } from './needs/need.ts'
import type { NodeRequest } from './node.ts'

export type { Need }

/**
 * A request behind {@link auth}. With the types of Fastify write `AuthRequest<FastifyRequest>` as the type of `request`.
 *
 * `auth` is `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode.
 */
export type AuthRequest<Base extends object = object> = Base & { auth?: Auth | undefined }

/**
 * The type of what {@link auth} sets on a request, by its config. With the types of the framework, this gives every `request` its type:
 * `declare module 'fastify' { interface FastifyRequest extends Guarded<typeof config> {} }`.
 */
export interface Guarded<Config = AuthConfig> {
  /** `undefined` only if the config has a public path, allows preflights, or may be in shadow mode. */
  auth: CallerOf<Config>
}

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
    const result = await guardIncoming(authenticate, request.raw, { method, url, rawHeaders })
    return result.ok ? setAuth(request, result.auth) : send(result.response, reply)
  }
}

/**
 * Makes a Fastify hook that goes on only for callers who have what is needed. It comes after {@link auth}, as a hook of a plugin or
 * a route. Every other request it answers by itself: with 403, or with 401 if the request has no identity, as on a public path. A
 * request that no guard admitted gets 500. It leaves `request.auth` as it is, and does not read it.
 *
 * @param need What the caller must have. All of it must hold.
 * @throws AuthConfigError for a need that cannot be used.
 *
 * @example
 * ```ts node
 * import { access } from 'with-auth/fastify'
 *
 * export const admins = { onRequest: access({ roles: ['admin'] }) }
 *
 * // app.addHook('onRequest', auth(config))
 * // app.delete('/notes/:id', admins, handler)
 * ```
 */
export function access(need: Need): AuthHook {
  const parsed = parseNeed(need)
  return async (request, reply) => {
    const rejection = checkIncoming(request.raw, parsed)
    return rejection === undefined ? undefined : send(rejection.response, reply)
  }
}

async function send(response: Response, reply: AuthReply): Promise<unknown> {
  const { status, headers, body } = await readRejection(response)
  reply.code(status)
  reply.headers(headers)
  // Not a Response: Fastify would hand it to its error handler.
  reply.send(body)
  return reply
}
