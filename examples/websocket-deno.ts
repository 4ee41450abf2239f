// AUTH_ENDPOINT=http://127.0.0.1:8321 deno serve --port 3000 --allow-net=127.0.0.1:8321 --allow-env=AUTH_ENDPOINT websocket-deno.ts
import { getAuth, withAuth } from 'with-auth'

function fetch(request: Request) {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    return new Response('WebSocket connections only', { status: 426 })
  }
  const { principal: name = 'somebody' } = getAuth(request)
  const offered = request.headers.get('sec-websocket-protocol')?.split(', ') ?? []
  // Never the first on offer, which may be the one with the key. Split as Deno does, which throws for any other.
  const options = offered.includes('chat') ? { protocol: 'chat' } : {}
  const { socket, response } = Deno.upgradeWebSocket(request, options)
  socket.addEventListener('message', ({ data }) => socket.send(`${name}: ${data}`))
  return response
}

export default withAuth(fetch, { credentials: ['bearer', { webSocketProtocol: 'key.' }] })
