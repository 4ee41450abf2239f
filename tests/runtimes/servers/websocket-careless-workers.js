import { withAuth } from 'with-auth'

/** Leaves the choice of the sub-protocol to workerd. */
function connect() {
  console.log('HANDLER')
  const [client, server] = Object.values(new WebSocketPair())
  server.accept()
  server.addEventListener('message', ({ data }) => server.send(data))
  return new Response(null, { status: 101, webSocket: client })
}

export default withAuth(
  { fetch: connect },
  { credentials: ['bearer', { webSocketProtocol: 'key.' }] },
)
