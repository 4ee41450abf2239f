// The tools of an MCP server: server.ts serves them on Node, Bun and Deno, worker.ts on Workers.
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server'
import { z } from 'zod'

const notes: string[] = []
const reply = (text: string) => ({ content: [{ type: 'text' as const, text }] })

export const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  const read = { description: 'Lists all notes' }
  server.registerTool('list_notes', read, () => reply(notes.join('\n') || 'No notes yet'))
  const write = {
    description: 'Adds a note',
    inputSchema: z.object({ note: z.string() }),
    // All scopes that the tool needs, also those that the guard requires.
    scopeChallenge: requireScopes('notes:read', 'notes:write'),
  }
  server.registerTool('add_note', write, ({ note }, { http }) => {
    notes.push(`${String(http?.authInfo?.extra?.principal)} wrote: ${note}`)
    return reply('Added')
  })
  return server
})
