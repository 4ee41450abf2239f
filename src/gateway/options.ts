import { boolean, callback, milliseconds } from '../core/config/kinds.ts'
import {
  foldName,
  invalidOption,
  invalidSecret,
  isHttpToken,
  isOptionsObject,
  readOptions,
} from '../core/config/option-checks.ts'
import { nodeModule } from '../core/runtime.ts'
import { createSigner, GATEWAY_HEADERS, parseSecrets } from '../verifiers/upstream/signature.ts'
import { inOrder } from './field-names.ts'
import { parseIdentityHeaders } from './identity-headers.ts'
import { createNodeFetch } from './node-fetch.ts'
import { parsePublicOrigin, parseUpstream } from './upstream-url.ts'
import type { Forwarding, UpstreamFetch } from './exchange.ts'
import type { IdentityHeaderNames } from './identity-headers.ts'
import type { NodeHttp } from './node-fetch.ts'
import type { GatewayFailure } from './refusal.ts'
import type { ClientAddress } from './headers/request-headers.ts'
import type { Upstream } from './upstream-url.ts'

/** The options with their defaults. */
export interface ResolvedGateway {
  readonly upstream: Upstream
  readonly identityHeaders: IdentityHeaderNames
  readonly forwardAuthorization: boolean
  /** Folded. A `*` at the end matches any rest. */
  readonly stripHeaders: readonly string[]
  readonly publicOrigin: URL | undefined
  readonly clientAddress: ClientAddress | undefined
  readonly timeoutMs: number
  readonly upstreamFetch: ChosenFetch
  readonly onFailure: ((failure: GatewayFailure) => void) | undefined
  readonly sign: Sign | undefined
}

/** Adds the signature to a request with an identity. */
export type Sign = (forwarding: Forwarding) => Promise<void>

const OPTIONS = [
  'upstream',
  'allowInsecureHttp',
  'identityHeaders',
  'sign',
  'forwardAuthorization',
  'stripHeaders',
  'publicOrigin',
  'clientAddress',
  'timeoutMs',
  'fetch',
  'onFailure',
] as const

const OFF = boolean(false)
const TIMEOUT = milliseconds({ default: 600_000, min: 1, max: 3_600_000 })
const OBSERVER = callback<(failure: GatewayFailure) => void>()

/** Parses the options. Throws `AuthConfigError` for the first that is wrong. */
export function resolveGateway(value: unknown): ResolvedGateway {
  const options = readOptions(value, OPTIONS)
  const allowInsecureHttp = OFF.parse(options.allowInsecureHttp, ['allowInsecureHttp'])
  return Object.freeze({
    upstream: parseUpstream(options.upstream, allowInsecureHttp),
    identityHeaders: parseIdentityHeaders(options.identityHeaders ?? {}),
    forwardAuthorization: OFF.parse(options.forwardAuthorization, ['forwardAuthorization']),
    stripHeaders: parseStripHeaders(options.stripHeaders ?? []),
    publicOrigin:
      options.publicOrigin === undefined ? undefined : parsePublicOrigin(options.publicOrigin),
    clientAddress: callback<ClientAddress>().parse(options.clientAddress, ['clientAddress']),
    timeoutMs: TIMEOUT.parse(options.timeoutMs, ['timeoutMs']),
    upstreamFetch: chooseFetch(callback<UpstreamFetch>().parse(options.fetch, ['fetch'])),
    onFailure: OBSERVER.parse(options.onFailure, ['onFailure']),
    sign: options.sign === undefined ? undefined : parseSign(options.sign),
  })
}

function parseStripHeaders(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalidOption(['stripHeaders'], value, 'a list of header names')
  return value.map((pattern: unknown, index) => {
    if (isNamePattern(pattern)) return foldPattern(pattern)
    const allowed = 'a header name, optionally with a "*" at its end, such as "x-webauth-*"'
    throw invalidOption(['stripHeaders', index], pattern, allowed)
  })
}

function isNamePattern(value: unknown): value is string {
  return isHttpToken(value) && /^[^*]+\*?$/.test(value)
}

function foldPattern(pattern: string): string {
  return pattern.endsWith('*') ? `${foldName(pattern.slice(0, -1))}*` : foldName(pattern)
}

function parseSign(value: unknown): Sign {
  // A text may be the secret.
  if (!isOptionsObject(value)) throw invalidSecret(['sign'], 'an object with `sign.secret`')
  const { secret } = readOptions(value, ['secret'], ['sign'])
  const [first = ''] = parseSecrets(secret, ['sign', 'secret'])
  const sign = createSigner(first)
  return async ({ statement, init }) => {
    if (statement === undefined) return
    init.headers.set(GATEWAY_HEADERS.signature, await sign(statement))
  }
}

/** A `fetch`, and how it treats a compressed response. */
export interface ChosenFetch {
  readonly fetch: UpstreamFetch
  /** Whether it decodes a body and leaves `Content-Encoding` in the headers. */
  readonly decodesSilently: boolean
}

/** Returns the given `fetch`, or else the one that suits the runtime. */
export function chooseFetch(given: UpstreamFetch | undefined): ChosenFetch {
  // When Deno's `fetch` decodes a body, it removes `Content-Encoding`.
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

// Bun must not decode the body, nor end the call after five minutes.
const ON_BUN = { decompress: false, timeout: false } as const

// Looks `fetch` up at each call, so that instrumentation installed later sees it.
function callFetch(...[url, init]: Parameters<UpstreamFetch>): Promise<Response> {
  const onRuntime = 'Bun' in globalThis ? ON_BUN : {}
  return fetch(url, {
    ...init,
    // Deno keeps the order of a list. Bun and Workers sort the headers.
    headers: inOrder(init.headers, init.ownHeaders),
    ...onRuntime,
    ...(init.method === 'HEAD' ? useConnectionOnce() : {}),
  })
}

let once: object | undefined

/** Options for Bun and Deno. Some servers send a body to HEAD after the head, which would look like the next response. */
function useConnectionOnce(): object {
  once ??= createOnce(Reflect.get(globalThis, 'Deno'))
  return once
}

function createOnce(deno: unknown): object {
  const createClient: unknown = Reflect.get(Object(deno), 'createHttpClient')
  if (typeof createClient !== 'function') return { keepalive: false }
  return { client: createClient({ poolMaxIdlePerHost: 0 }) }
}
