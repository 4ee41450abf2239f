import { canonicalPath } from '../core/request/target.ts'
import { reasonPhrase } from '../core/runtime.ts'
import type { ResourceConfig } from './options.ts'

/** Answers a request for the metadata of a protected resource. Returns `undefined` for every other path. */
type MetadataAnswer = (request: Request, path: string) => Response | undefined

/** Stands between the host and the path of a resource (RFC 9728 §3.1). */
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

const METHODS = 'GET, HEAD, OPTIONS'
const ANY_ORIGIN = { 'access-control-allow-origin': '*' }

/** The URL of the metadata, and its canonical path. The query belongs to the URL alone. */
export function metadataLocation(resourceUrl: string): { url: string; path: string | undefined } {
  const { origin, pathname, search } = new URL(resourceUrl)
  const path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  return { url: `${origin}${path}${search}`, path: canonicalPath(path) }
}

/**
 * Answers for the metadata (RFC 9728 §3) of this resource. It comes from the config alone: a `Host` or a forwarding header
 * of a client must not name the authorization server.
 */
export function createMetadataAnswer(resource: Required<ResourceConfig>): MetadataAnswer {
  const { path: metadataPath } = metadataLocation(resource.identifier)
  const text = JSON.stringify(documentOf(resource))
  return (request, path) => (path === metadataPath ? answer(request.method, text) : undefined)
}

function answer(method: string, text: string): Response {
  if (method === 'OPTIONS') {
    const headers = {
      ...ANY_ORIGIN,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': '*',
      'access-control-max-age': '3600',
    }
    return new Response(null, { status: 204, headers })
  }
  if (method !== 'GET' && method !== 'HEAD') {
    const headers = { ...ANY_ORIGIN, allow: METHODS }
    return new Response(null, { status: 405, statusText: reasonPhrase(405), headers })
  }
  const headers = {
    ...ANY_ORIGIN,
    'content-type': 'application/json',
    'cache-control': 'max-age=3600',
  }
  return new Response(method === 'HEAD' ? null : text, { headers })
}

function documentOf(resource: Required<ResourceConfig>): object {
  const { identifier, authorizationServers, scopes, require, name, documentation } = resource
  const supported = [...new Set([...scopes, ...require])]
  return {
    resource: identifier,
    authorization_servers: authorizationServers,
    ...(supported.length === 0 ? {} : { scopes_supported: supported }),
    bearer_methods_supported: ['header'],
    ...(name === '' ? {} : { resource_name: name }),
    ...(documentation === '' ? {} : { resource_documentation: documentation }),
  }
}
