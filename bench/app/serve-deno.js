import { GATES } from './gates.js'

const handler = GATES[Deno.env.get('GATE')](Deno.env.get('AUTH_ENDPOINT'))
Deno.serve({ hostname: '127.0.0.1', port: 0 }, (request) => handler(request))
