// npm install @modelcontextprotocol/client && node client.ts
import * as mcp from '@modelcontextprotocol/client'
import { returned, user } from './user.ts'

const url = new URL(process.env.RESOURCE ?? 'http://localhost:3000/mcp')
const client = new mcp.Client({ name: 'notes-app', version: '1.0.0' })
let transport: mcp.StreamableHTTPClientTransport

const withLogin = <Value>(action: () => Promise<Value>): Promise<Value> =>
  action().catch(async (error: unknown) => {
    if (!(error instanceof mcp.UnauthorizedError)) throw error
    await transport.finishAuth(await returned())
    return action()
  })

await withLogin(() => {
  transport = new mcp.StreamableHTTPClientTransport(url, { authProvider: user })
  return client.connect(transport)
})
for (const name of ['list_notes', 'add_note', 'list_notes']) {
  const call = { name, arguments: { note: 'hello' } }
  console.log(name, (await withLogin(() => client.callTool(call))).content)
}
await client.close()
