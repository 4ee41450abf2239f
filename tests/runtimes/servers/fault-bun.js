import { createFetch } from './fault-guards.js'

const server = Bun.serve({ fetch: createFetch(), hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
