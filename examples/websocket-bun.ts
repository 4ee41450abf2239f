// AUTH_ENDPOINT=http://127.0.0.1:8321 bun websocket-bun.ts
import { getAuth, withAuth } from 'with-auth'

interface Caller {
  readonly name: string
}

function fetch(request: Request, server: Bun.Server<Caller>) {
  const { principal: name = 'somebody' } = getAuth(request)
  const offered = request.headers.get('sec-websocket-protocol')?.split(/,[ \t]*/) ?? []
  // Always set it: else Bun answers with the first protocol on offer, which may be the one with the key.
  const headers = { 'sec-websocket-protocol': offered.includes('chat') ? 'chat' : '' }
  if (server.upgrade(request, { headers, data: { name } })) return undefined
  return new Response('WebSocket connections only', { status: 426 })
}

const websocket: Bun.WebSocketHandler<Caller> = {
  message: (socket, message) => void socket.send(`${socket.data.name}: ${message.toString()}`),
}

export default withAuth(
  { fetch, websocket },
  { credentials: ['bearer', { webSocketProtocol: 'key.' }] },
)
