import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

const guarded = withAuth(handler, options)
const address = { hostname: '127.0.0.1', port: 0 }
// Deno prints where it listens.
if ('Deno' in globalThis) Deno.serve(address, guarded)
else console.log(`Listening on ${Bun.serve({ ...address, fetch: guarded }).url}`)
