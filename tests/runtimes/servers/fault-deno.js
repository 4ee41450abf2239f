import { createFetch } from './fault-guards.js'

const fetch = createFetch()
Deno.serve({ hostname: '127.0.0.1', port: 0 }, (request) => fetch(request))
