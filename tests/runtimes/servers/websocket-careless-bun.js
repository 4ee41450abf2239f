import { withAuth } from 'with-auth'

/** Leaves the choice of the sub-protocol to Bun. */
function connect(request, server) {
  console.log('HANDLER')
  server.upgrade(request)
}

export default withAuth(
  { fetch: connect, websocket: { message: (socket, message) => socket.send(message) } },
  { credentials: ['bearer', { webSocketProtocol: 'key.' }] },
)
