// An MCP server with sessions and without a guard, such as one that runs behind the gateway. `hello` tells who is calling.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport as Transport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'

const sessions = new Map()

async function openSession() {
  const transport = new Transport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  const server = new McpServer({ name: 'hello', version: '1.0.0' })
  server.registerTool('hello', {}, ({ requestInfo }) => {
    const text = `hello ${String(requestInfo?.headers['x-auth-principal'])}`
    return { content: [{ type: 'text', text }] }
  })
  await server.connect(transport)
  return transport
}

export default {
  async fetch(request) {
    const known = sessions.get(request.headers.get('mcp-session-id'))
    return (known ?? (await openSession())).handleRequest(request)
  },
}
