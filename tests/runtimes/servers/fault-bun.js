import { fetch } from './fault-guards.js'

const server = Bun.serve({ fetch, hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
