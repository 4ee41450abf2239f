/** An example of each option, and the page that explains it. A test compiles every example. */
export const OPTION_EXAMPLES: Readonly<Record<string, readonly [example: string, page?: string]>> =
  {
    endpoint: ["endpoint: 'https://auth.example.com/validate'", 'auth-endpoint.md'],
    allowInsecureHttp: ['allowInsecureHttp: true'],
    endpointHeaders: ["endpointHeaders: { 'x-auth-secret': secret }"],
    verifier: [
      "verifier: ({ token }) => ({ outcome: tokens.has(token) ? 'allow' : 'deny' })",
      'auth-endpoint.md#the-request',
    ],
    context: ["context: { headers: ['x-tenant'], method: true }", 'caching.md#the-cache-key'],
    'context.headers': ["context: { headers: ['x-tenant'] }"],
    'context.params': ["context: { params: 'none' }"],
    'context.path': ['context: { path: false }', 'auth-endpoint.md#the-request'],
    'context.method': ['context: { method: true }'],
    'context.clientAddress': [
      "context: { clientAddress: (request) => request.headers.get('x-real-ip') ?? undefined }",
      'resilience.md#concurrent-calls',
    ],
    credentials: ["credentials: ['bearer', { header: 'x-api-key' }]"],
    identity: ["identity: 'required'", 'authorization.md'],
    authorize: [
      "authorize: ({ auth }) => auth.attributes['roles']?.includes('admin') === true",
      'authorization.md',
    ],
    routePolicy: ["routePolicy: routePolicy([{ permit: { paths: '/v1/*' } }])", 'authorization.md'],
    scopeImplies: [
      'scopeImplies: (granted, needed) => needed.startsWith(`${granted}:`)',
      'authorization.md',
    ],
    resource: [
      'resource: protectedResource({ identifier, authorizationServers: [issuer] })',
      'mcp.md',
    ],
    'protectedResource: identifier': [
      "resource: protectedResource({ ...resource, identifier: 'https://api.example.com/mcp' })",
    ],
    'protectedResource: authorizationServers': [
      "resource: protectedResource({ ...resource, authorizationServers: ['https://login.example.com'] })",
    ],
    'protectedResource: scopes': [
      "resource: protectedResource({ ...resource, scopes: ['notes:read'] })",
    ],
    'protectedResource: require': [
      "resource: protectedResource({ ...resource, require: ['notes:read'] })",
    ],
    'protectedResource: name': ["resource: protectedResource({ ...resource, name: 'Notes' })"],
    'protectedResource: documentation': [
      "resource: protectedResource({ ...resource, documentation: 'https://docs.example.com/notes' })",
    ],
    timeoutMs: ['timeoutMs: 2_000', 'resilience.md#the-deadline'],
    retry: ['retry: { attempts: 2 }', 'resilience.md#the-retry'],
    'retry.attempts': ['retry: { attempts: 2 }'],
    circuitBreaker: ['circuitBreaker: { openMs: 10_000 }', 'resilience.md#the-circuit-breaker'],
    'circuitBreaker.openMs': ['circuitBreaker: { openMs: 10_000 }'],
    concurrency: ['concurrency: { maxInFlight: 16 }', 'resilience.md#concurrent-calls'],
    'concurrency.maxInFlight': ['concurrency: { maxInFlight: 16 }'],
    'concurrency.maxWaiting': ['concurrency: { maxWaiting: 256 }'],
    cache: ['cache: memoryCache({ allowTtlMs: 60_000 })', 'caching.md'],
    'memoryCache: allowTtlMs': [
      'cache: memoryCache({ allowTtlMs: 60_000 })',
      'caching.md#revocation',
    ],
    'memoryCache: denyTtlMs': ['cache: memoryCache({ denyTtlMs: 1_000 })'],
    'memoryCache: staleIfErrorMs': [
      'cache: memoryCache({ staleIfErrorMs: 60_000 })',
      'caching.md#stale-decisions',
    ],
    'memoryCache: maxEntries': ['cache: memoryCache({ maxEntries: 100_000 })'],
    'memoryCache: store': [
      "cache: memoryCache({ store: redisStore({ url: 'redis://127.0.0.1:6379' }) })",
      'scale.md',
    ],
    'memoryCache: onEvent': [
      'cache: memoryCache({ store, onEvent: (event) => console.log(event.type) })',
      'observability.md',
    ],
    unavailableStatus: ['unavailableStatus: 503', 'resilience.md#answer-503-instead-of-401'],
    public: [
      "public: ['/healthz', '/assets/*', { path: '/hook', methods: ['POST'] }]",
      'public-paths.md',
    ],
    preflight: ["preflight: 'allow'"],
    mode: ["mode: 'shadow'"],
    realm: ["realm: 'models'"],
    requestIdHeader: ["requestIdHeader: 'x-request-id'", 'observability.md#request-ids'],
    onEvent: ['onEvent: (event) => console.log(JSON.stringify(event))', 'observability.md'],
    respond: [
      'respond: ({ status, reason }) => Response.json({ reason }, { status })',
      'errors.md',
    ],
    fetch: ['fetch: nodeTransport()', 'runtimes/node.md'],
  }

/** A module that uses each example as the options of a config. */
export function createExampleModule(): string {
  const configs = Object.values(OPTION_EXAMPLES).map(([example]) => `  { ${example} },`)
  return `import { memoryCache } from 'with-auth'
import { routePolicy } from 'with-auth/access'
import { protectedResource } from 'with-auth/mcp'
import { nodeTransport } from 'with-auth/node'
import { redisStore } from 'with-auth/redis'
import type { AuthConfig } from 'with-auth'

const secret = 'secret'
const tokens = new Set<string>()
const store = redisStore({ url: 'redis://127.0.0.1:6379' })
const identifier = 'https://api.example.com/mcp'
const issuer = 'https://login.example.com'
const resource = { identifier, authorizationServers: [issuer] }
export const configs: readonly AuthConfig[] = [
${configs.join('\n')}
]
`
}
