import { serve } from '@hono/node-server'
import { createFetch } from './fault-guards.js'

serve({ fetch: createFetch(), hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
