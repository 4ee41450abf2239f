// npm install @modelcontextprotocol/server hono srvx with-auth zod && npx srvx server.ts
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { auth } from 'with-auth/hono'
import { jwt } from 'with-auth/jwt'
import { mcpAuthInfo, protectedResource } from 'with-auth/mcp'
import { mcp } from './notes.ts'

const { ISSUER: issuer = 'http://localhost:4000' } = process.env
// What clients call, not the address that this process listens at.
const { RESOURCE: identifier = 'http://localhost:3000/mcp' } = process.env
const scopes = { scopes: ['notes:read', 'notes:write'], require: ['notes:read'] }

const app = new Hono()
app.use(cors({ origin: '*', exposeHeaders: ['WWW-Authenticate'] })) // for clients in a browser
app.use(
  auth({
    verifier: jwt({ issuer, audience: identifier }),
    resource: protectedResource({ identifier, authorizationServers: [issuer], ...scopes }),
    unavailableStatus: 503,
  }),
)
app.all('/mcp', ({ req: { raw } }) => mcp.fetch(raw, { authInfo: mcpAuthInfo(raw) }))

export default app
