import { serve } from '@hono/node-server'
import { NODE_GATES } from './gates-node.js'

const { GATE, AUTH_ENDPOINT } = process.env
const fetch = NODE_GATES[GATE](AUTH_ENDPOINT)
serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
