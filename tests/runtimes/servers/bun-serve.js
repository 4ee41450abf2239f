import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

const server = Bun.serve({ fetch: withAuth(handler, options), hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
