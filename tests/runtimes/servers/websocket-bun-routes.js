import { getAuth } from 'with-auth'
import { withAuthRoutes } from 'with-auth/bun'

const credentials = ['bearer', { webSocketProtocol: 'key.' }]

function connect(request, server) {
  const { principal: name } = getAuth(request)
  const offered = request.headers.get('sec-websocket-protocol')?.split(/,[ \t]*/) ?? []
  const headers = { 'sec-websocket-protocol': offered.includes('chat') ? 'chat' : '' }
  if (server.upgrade(request, { headers, data: { name } })) return undefined
  return new Response('WebSocket connections only', { status: 426 })
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: withAuthRoutes({ '/socket': connect }, { credentials }),
  websocket: { message: (socket, message) => socket.send(`${socket.data.name}: ${message}`) },
})
console.log(`Listening on ${server.url}`)
