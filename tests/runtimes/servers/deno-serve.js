import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

Deno.serve({ hostname: '127.0.0.1', port: 0 }, withAuth(handler, options))
