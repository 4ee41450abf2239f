import { serve } from '@hono/node-server'
import process from 'node:process'
import app from './app.js'

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8000) }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/hello`),
)
