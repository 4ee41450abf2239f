// npm install ws with-auth && npm pkg set type=module && AUTH_ENDPOINT=https://auth.example.com/validate node websocket-node.js
import { createServer } from 'node:http'
import { withUpgradeAuth } from 'with-auth/node'
import { WebSocketServer } from 'ws'

// `ws` would choose the first protocol on offer, which may be the one with the key.
const handleProtocols = (offered) => offered.has('chat') && 'chat'
const webSockets = new WebSocketServer({ noServer: true, handleProtocols })

function open(incoming, socket, head, auth) {
  webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
    webSocket.on('message', (message) => webSocket.send(`${auth?.principal}: ${message}`))
    webSocket.on('error', () => webSocket.terminate())
  })
}

const server = createServer((_incoming, outgoing) => {
  outgoing.writeHead(426).end('WebSocket connections only')
})
const credentials = ['bearer', { webSocketProtocol: 'key.' }]
server.on('upgrade', withUpgradeAuth(open, { credentials }))
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
