// Three MCP servers behind guards, of both generations of the SDK. `mcpAuthInfo()` tells their tools who is calling.
import { McpServer as Server1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport as Transport1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { McpServer, createMcpHandler, requireScopes } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { withAuth } from 'with-auth'
import { checkAccess } from 'with-auth/access'
import { auth, resourceMetadata } from 'with-auth/hono'
import { jwt } from 'with-auth/jwt'
import { mcpAuthInfo, protectedResource } from 'with-auth/mcp'

const SCOPES = ['notes:read', 'notes:write']

const handler2 = createMcpHandler(() => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('read', {}, ({ http }) => show(http?.authInfo))
  server.registerTool('write', { scopeChallenge: requireScopes(...SCOPES) }, ({ http }) =>
    show(http?.authInfo),
  )
  return server
})

/** Version 2: a tool names its scopes. */
function serve2(request) {
  return handler2.fetch(request, { authInfo: mcpAuthInfo(request) })
}

/** Version 1: the scopes of a tool are checked before the transport gets the request. */
async function serve1(request) {
  if (request.method !== 'POST') return new Response(null, { status: 405 })
  const parsedBody = await request.json()
  // A body may be a list of messages.
  const isWrite = [parsedBody].flat().some(({ params }) => params?.name === 'write')
  const rejection = isWrite ? checkAccess(request, { scopes: ['notes:write'] }) : undefined
  if (rejection !== undefined) return rejection
  const server = new Server1({ name: 'notes', version: '1.0.0' })
  for (const name of ['read', 'write']) {
    server.registerTool(name, {}, ({ authInfo }) => show(authInfo))
  }
  const transport = new Transport1({ sessionIdGenerator: undefined, enableJsonResponse: true })
  await server.connect(transport)
  return transport.handleRequest(request, { authInfo: mcpAuthInfo(request), parsedBody })
}

function show(authInfo) {
  return { content: [{ type: 'text', text: JSON.stringify(authInfo) }] }
}

function configOf(identifier, issuer) {
  return {
    verifier: jwt({ issuer, audience: identifier, types: ['at+jwt'] }),
    resource: protectedResource({
      identifier,
      authorizationServers: [issuer],
      scopes: SCOPES,
      require: ['notes:read'],
      name: 'Notes',
      documentation: 'https://mcp.example.com/help',
    }),
  }
}

function wrapped(identifier, issuer, serve) {
  return withAuth(
    new Hono().all('*', (c) => serve(c.req.raw)),
    configOf(identifier, issuer),
  )
}

function byMiddleware(identifier, issuer, serve) {
  const config = configOf(identifier, issuer)
  // The middleware of one path does not see the path of the metadata.
  return new Hono()
    .use(resourceMetadata(config.resource))
    .use('/', auth(config))
    .all('/', (c) => serve(c.req.raw))
}

function createSites(issuer) {
  return {
    mcp: wrapped('https://mcp.example.com/mcp', issuer, serve2),
    team: wrapped('https://mcp.example.com/team?name=a', issuer, serve1),
    root: byMiddleware('https://mcp.example.com/', issuer, serve2),
  }
}

let sites

export default {
  fetch(request, env) {
    // Workers hand their environment over; the others have it in `process`.
    sites ??= createSites(env?.ISSUER ?? process.env.ISSUER)
    const name = new URL(request.url).pathname.split('/').at(-1)
    return (sites[name] ?? sites.root).fetch(request)
  },
}
