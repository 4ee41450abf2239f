/**
 * Makes a server of the Model Context Protocol a protected resource, and tells it who is calling. Needs no package.
 *
 * @module with-auth/mcp
 */
import { admissionOf, getAuth } from './core/response/admission.ts'
import { createResource } from './mcp/protected-resource.ts'
import type { ProtectedResource } from './core/seams.ts'
import type { Auth } from './core/types.ts'
import type { ResourceConfig } from './mcp/options.ts'

export type { ProtectedResource, ResourceConfig }

/**
 * Makes the `resource` of a guard: this server as an OAuth 2.0 protected resource (RFC 9728), so that clients find where to log in.
 * The guard answers its well-known path with the metadata, before it asks for a token.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { jwt } from 'with-auth/jwt'
 * import { protectedResource } from 'with-auth/mcp'
 *
 * const ISSUER = 'https://login.example.com'
 * const IDENTIFIER = 'https://mcp.example.com/mcp'
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: jwt({ issuer: ISSUER, audience: IDENTIFIER }),
 *   resource: protectedResource({ identifier: IDENTIFIER, authorizationServers: [ISSUER] }),
 * })
 * ```
 */
export function protectedResource(options: ResourceConfig): ProtectedResource {
  return createResource(options)
}

/** The caller, in the form of `AuthInfo` of both generations of the MCP SDK. */
export interface McpAuthInfo {
  /** Always empty: a server must not pass the token of its caller on, and needs it for nothing else. */
  token: string
  /** The application that the token was issued to; empty if that is not known. It never names a user. */
  clientId: string
  /** The scopes of the token; empty if they are not known. */
  scopes: string[]
  /** When the token ends, in seconds since 1970, rounded down. Absent if that is not known. */
  expiresAt?: number
  /** The `identifier` of the option `resource`. Absent without it. */
  resource?: URL
  /** Where the metadata of the resource is. Absent without the option `resource`. */
  resourceMetadataUrl?: string
  /** Facts that the SDK has no field for. They are frozen, as `getAuth` returns them. */
  extra: Pick<Auth, 'principal' | 'tenant' | 'attributes' | 'claims'>
}

/**
 * Returns the caller of a guarded request, as the MCP SDK wants it: `createMcpHandler(...).fetch(request, { authInfo })` of
 * `@modelcontextprotocol/server`, and `transport.handleRequest(request, { authInfo })` of `@modelcontextprotocol/sdk`. Tools
 * read it as `authInfo`.
 *
 * @param request The very Request that the handler was given, not a copy of it.
 * @returns A new object at each call, which may be changed.
 * @throws TypeError where `getAuth` throws it: the request has no allow.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { jwt } from 'with-auth/jwt'
 * import { mcpAuthInfo, protectedResource, type McpAuthInfo } from 'with-auth/mcp'
 *
 * // From createMcpHandler() of @modelcontextprotocol/server.
 * declare const mcp: {
 *   fetch: (request: Request, options: { authInfo: McpAuthInfo }) => Promise<Response>
 * }
 *
 * const ISSUER = 'https://login.example.com'
 * const IDENTIFIER = 'https://mcp.example.com/mcp'
 *
 * export default withAuth(
 *   (request: Request) => mcp.fetch(request, { authInfo: mcpAuthInfo(request) }),
 *   {
 *     verifier: jwt({ issuer: ISSUER, audience: IDENTIFIER }),
 *     resource: protectedResource({
 *       identifier: IDENTIFIER,
 *       authorizationServers: [ISSUER],
 *       require: ['mcp:read'],
 *     }),
 *   },
 * )
 * ```
 */
export function mcpAuthInfo(request: Request): McpAuthInfo {
  const { clientId = '', scopes = [], expiresAt, ...auth } = getAuth(request)
  const { principal, tenant, attributes, claims } = auth
  return {
    token: '',
    clientId,
    scopes: [...scopes],
    ...(expiresAt !== undefined && { expiresAt: Math.floor(expiresAt / 1000) }),
    ...locate(request),
    extra: {
      ...(principal !== undefined && { principal }),
      ...(tenant !== undefined && { tenant }),
      attributes,
      ...(claims !== undefined && { claims }),
    },
  }
}

/** The resource of the innermost guard, which writes the challenges too. */
function locate(request: Request): Pick<McpAuthInfo, 'resource' | 'resourceMetadataUrl'> {
  const resource = admissionOf(request)?.guards.deciding.config.resource
  if (resource === undefined || resource === false) return {}
  const { identifier, metadataUrl } = resource
  return { resource: new URL(identifier), resourceMetadataUrl: metadataUrl }
}
