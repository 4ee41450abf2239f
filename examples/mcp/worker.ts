// npm install @modelcontextprotocol/server with-auth wrangler zod && npx wrangler dev worker.ts --var ISSUER:https://login.example.com --var RESOURCE:https://mcp.example.com/mcp
import { withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'
import { mcpAuthInfo, protectedResource } from 'with-auth/mcp'
import { mcp } from './notes.ts'

interface Env {
  ISSUER: string
  RESOURCE: string
}

const worker = {
  fetch: (request) => mcp.fetch(request, { authInfo: mcpAuthInfo(request) }),
} satisfies ExportedHandler<Env>

export default withAuth(worker, ({ ISSUER, RESOURCE }: Env) => ({
  verifier: jwt({ issuer: ISSUER, audience: RESOURCE }),
  resource: protectedResource({
    identifier: RESOURCE,
    authorizationServers: [ISSUER],
    scopes: ['notes:read', 'notes:write'],
    require: ['notes:read'],
  }),
  unavailableStatus: 503,
}))
