import { createAdaptorServer } from '@hono/node-server'
import { withAuth } from 'with-auth'
import { createGateway } from 'with-auth/gateway'
import { passWebSockets } from 'with-auth/node'

const fetch = withAuth(createGateway({ upstream: process.env.UPSTREAM }), {
  verifier: ({ token }) => ({ outcome: token === process.env.KEY ? 'allow' : 'deny' }),
})
const server = createAdaptorServer({ fetch })
passWebSockets(server, fetch)
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
