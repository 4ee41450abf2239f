import { createFetch } from './raw-programs.js'

const fetch = createFetch(Deno.env.get('PROGRAM'), Deno.env.get('AUTH_ENDPOINT'))
Deno.serve({ hostname: '127.0.0.1', port: 0 }, fetch)
