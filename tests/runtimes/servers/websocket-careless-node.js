import { createServer } from 'node:http'
import { withUpgradeAuth } from 'with-auth/node'
import { WebSocketServer } from 'ws'

/** Leaves the choice of the sub-protocol to `ws`. */
const webSockets = new WebSocketServer({ noServer: true })

function open(incoming, socket, head) {
  console.log('HANDLER')
  webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
    webSocket.on('message', (message) => webSocket.send(`${message}`))
  })
}

const server = createServer()
const credentials = ['bearer', { webSocketProtocol: 'key.' }]
server.on('upgrade', withUpgradeAuth(open, { credentials }))
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
