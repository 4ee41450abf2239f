import { nodeModule } from '../core/runtime.ts'
import { createNodeFetch } from './node-fetch.ts'
import type { NodeHttp } from './node-fetch.ts'
import type { UpstreamFetch } from './types.ts'

/** A `fetch`, and what it makes of a compressed answer. */
export interface ChosenFetch {
  readonly fetch: UpstreamFetch
  /** Whether it decodes a body and leaves `Content-Encoding` there. */
  readonly decodesSilently: boolean
}

/** The `fetch` that the options have, or else the one that suits the runtime. */
export function chooseFetch(given: UpstreamFetch | undefined): ChosenFetch {
  // Deno's takes `Content-Encoding` away with the coding: where the field is left, nothing was decoded.
  const decodesSilently = !('Deno' in globalThis)
  if (given !== undefined) return { fetch: given, decodesSilently }
  const http = nodeModule('node:http')
  const https = nodeModule('node:https')
  if (isNodeHttp(http) && isNodeHttp(https)) {
    return { fetch: createNodeFetch({ http, https }), decodesSilently: false }
  }
  return { fetch: callFetch, decodesSilently: decodesSilently && !('Bun' in globalThis) }
}

function isNodeHttp(module: unknown): module is NodeHttp {
  return typeof module === 'object' && module !== null && 'request' in module
}

// Bun's own options, which other runtimes ignore: the body as it came, and no end after five minutes.
const ON_BUN = { decompress: false, timeout: false } as const

// Looked up at each call, so that instrumentation which comes later is seen.
function callFetch(...[url, init]: Parameters<UpstreamFetch>): Promise<Response> {
  return fetch(url, 'Bun' in globalThis ? { ...init, ...ON_BUN } : init)
}
