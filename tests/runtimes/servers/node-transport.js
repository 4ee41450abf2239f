import { withAuth } from 'with-auth'
import { nodeTransport } from 'with-auth/node'
import { handler, options } from './handler.js'

export default withAuth(handler, { ...options, fetch: nodeTransport() })
