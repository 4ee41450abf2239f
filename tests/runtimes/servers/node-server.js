import { serve } from '@hono/node-server'
import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

serve({ fetch: withAuth(handler, options), hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
