import { fetch } from './fault-guards.js'

Deno.serve({ hostname: '127.0.0.1', port: 0 }, (request) => fetch(request))
