// npx wrangler dev websocket-workers.ts --compatibility-date 2026-05-01 --var AUTH_ENDPOINT:http://127.0.0.1:8321
import { getAuth, withAuth } from 'with-auth'

function fetch(request: Request): Response {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    return new Response('WebSocket connections only', { status: 426 })
  }
  const { principal: name = 'somebody' } = getAuth(request)
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  server.addEventListener('message', ({ data }) => server.send(`${name}: ${data}`))
  const offered = request.headers.get('sec-websocket-protocol')?.split(/,[ \t]*/) ?? []
  // Never the first on offer, which may be the one with the key.
  const headers = offered.includes('chat') ? { 'sec-websocket-protocol': 'chat' } : undefined
  return new Response(null, { status: 101, webSocket: client, headers })
}

export default withAuth({ fetch }, { credentials: ['bearer', { webSocketProtocol: 'key.' }] })
