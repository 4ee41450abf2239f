import { GATES } from './gates.js'

const fetch = GATES[process.env.GATE](process.env.AUTH_ENDPOINT)
const server = Bun.serve({ fetch, hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
