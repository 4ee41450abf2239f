import { readFileSync } from 'node:fs'
import { nodeTransport } from 'with-auth/node'
import { createFetch } from './fault-guards.js'

const transport = nodeTransport({ ca: readFileSync(process.env.AUTHORITY) })
export default { fetch: createFetch({ fetch: transport }) }
