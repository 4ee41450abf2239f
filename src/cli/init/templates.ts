/** Files to begin with. Their texts are those of `examples/`, which the package has. */
export interface Template {
  readonly summary: string
  /** The page below `docs/` that explains them, without its ending. */
  readonly page: string
  /** Below `examples/`. */
  readonly files: readonly string[]
}

export const BY_DEFAULT = 'endpoint'

const PROVIDER = 'Llama Stack or OGX, with an identity provider'
const MCP = ['notes.ts', 'server.ts', 'login.js', 'client.ts', 'user.ts']
const BROWSERS = ['oauth2-proxy-keys/run.yaml', 'oauth2-proxy-keys/nginx.conf']

/** In the order of the list: the name, then the summary, the page, and the files. */
const ROWS: readonly (readonly [string, string, string, ...string[]])[] = [
  [BY_DEFAULT, 'an auth endpoint of your own', 'yaml', 'endpoint/run.yaml'],
  ['keycloak', 'tokens of Keycloak, by its keys', 'servers/keycloak', 'keycloak/run.yaml'],
  [
    'keycloak-introspection',
    'tokens of Keycloak, which is asked, so that a logout ends them',
    'servers/keycloak',
    'keycloak-introspection/run.yaml',
  ],
  ['hydra', 'tokens of Ory Hydra, which is asked', 'servers/hydra', 'hydra/run.yaml'],
  ['hydra-jwt', 'tokens of Ory Hydra, by its keys', 'servers/hydra', 'hydra-jwt/run.yaml'],
  ['kubernetes', 'accounts of a cluster', 'servers/kubernetes', 'kubernetes/run.yaml'],
  [
    'llama-stack',
    'Llama Stack or OGX, with your auth endpoint',
    'servers/llama-stack',
    'llama-stack/gateway.yaml',
  ],
  ['llama-stack-jwt', PROVIDER, 'servers/llama-stack', 'llama-stack-jwt/gateway.yaml'],
  [
    'oauth2-proxy',
    'users whom oauth2-proxy names in headers',
    'servers/oauth2-proxy',
    'oauth2-proxy/run.yaml',
  ],
  [
    'oauth2-proxy-keys',
    'browsers by oauth2-proxy and API keys, behind one nginx',
    'servers/oauth2-proxy',
    ...BROWSERS,
  ],
  ['nginx', 'nginx that asks with-auth', 'forward-auth', 'forward-auth/nginx.conf'],
  ['caddy', 'Caddy that asks with-auth', 'forward-auth', 'forward-auth/Caddyfile'],
  [
    'haproxy',
    'HAProxy that asks with-auth',
    'forward-auth',
    'forward-auth/haproxy.cfg',
    'forward-auth/with-auth.lua',
  ],
  ['traefik', 'Traefik that asks with-auth', 'forward-auth', 'forward-auth/traefik.yaml'],
  ['docker', 'the gateway and your server in Docker', 'gateway', 'docker/compose.yaml'],
  ['systemd', 'the gateway as a service of systemd', 'gateway', 'systemd/with-auth.service'],
  ['prometheus', 'alerts for Prometheus', 'metrics', 'prometheus/with-auth.rules.yml'],
  ['grafana', 'a dashboard for Grafana', 'metrics', 'grafana/with-auth.json'],
  ['mcp', 'an MCP server, a login server and a client', 'mcp', ...MCP.map((name) => `mcp/${name}`)],
  ['mcp-workers', 'an MCP server on Workers', 'mcp', 'mcp/notes.ts', 'mcp/worker.ts'],
  ['endpoint-js', 'an auth endpoint in JavaScript', 'auth-endpoint', 'auth-endpoint/endpoint.mjs'],
  ['endpoint-python', 'an auth endpoint in Python', 'auth-endpoint', 'auth-endpoint/endpoint.py'],
  ['endpoint-go', 'an auth endpoint in Go', 'auth-endpoint', 'auth-endpoint/endpoint.go'],
  [
    'fastapi',
    'FastAPI or Starlette behind the gateway',
    'frameworks/behind-the-gateway',
    'python/gateway_identity.py',
  ],
  ['hono', 'a server with Hono', 'frameworks/hono', 'hono.ts'],
  ['express', 'a server with Express', 'frameworks/express', 'express.js'],
  ['fastify', 'a server with Fastify', 'frameworks/fastify', 'fastify.js'],
  ['next', 'a route of Next.js', 'frameworks/next', 'next/app/v1/notes/route.ts'],
  ['sveltekit', 'hooks of SvelteKit', 'frameworks/sveltekit', 'sveltekit/src/hooks.server.ts'],
  [
    'react-router',
    'middleware of React Router',
    'frameworks/react-router',
    'react-router/app/auth.ts',
  ],
  ['astro', 'middleware of Astro', 'frameworks/astro', 'astro/src/middleware.ts'],
  ['h3', 'a server with h3', 'frameworks/h3', 'h3.ts'],
  ['elysia', 'a server with Elysia', 'frameworks/elysia', 'elysia.ts'],
  ['lambda', 'a function of AWS Lambda', 'frameworks/lambda', 'lambda.ts'],
  ['websocket-node', 'WebSockets on Node', 'websockets', 'websocket-node.js'],
  ['websocket-bun', 'WebSockets on Bun', 'websockets', 'websocket-bun.ts'],
  ['websocket-deno', 'WebSockets on Deno', 'websockets', 'websocket-deno.ts'],
  ['websocket-workers', 'WebSockets on Workers', 'websockets', 'websocket-workers.ts'],
]

export const TEMPLATES: ReadonlyMap<string, Template> = new Map(
  ROWS.map(([name, summary, page, ...files]) => [name, { summary, page, files }]),
)

/** The name that a file is written under: its path without the first folder. */
export function nameOf(file: string): string {
  return file.slice(file.indexOf('/') + 1)
}
