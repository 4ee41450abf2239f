import { withAuth } from 'with-auth'

/** Leaves the choice of the sub-protocol to Deno. */
function connect(request) {
  console.log('HANDLER')
  const { socket, response } = Deno.upgradeWebSocket(request)
  socket.addEventListener('message', ({ data }) => socket.send(data))
  return response
}

export default withAuth(connect, { credentials: ['bearer', { webSocketProtocol: 'key.' }] })
