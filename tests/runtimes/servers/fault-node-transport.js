import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { nodeTransport } from 'with-auth/node'
import { createFetch } from './fault-guards.js'

const transport = nodeTransport({ ca: readFileSync(process.env.AUTHORITY) })
const fetch = createFetch({ fetch: transport })
serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`Listening on http://127.0.0.1:${port}`)
})
