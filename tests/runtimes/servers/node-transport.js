import { serve } from '@hono/node-server'
import { withAuth } from 'with-auth'
import { nodeTransport } from 'with-auth/node'
import { handler, options } from './handler.js'

const fetch = withAuth(handler, { ...options, fetch: nodeTransport() })
serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
