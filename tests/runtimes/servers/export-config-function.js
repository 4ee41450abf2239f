import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

export default withAuth({ fetch: handler }, (env) => ({ ...options, endpoint: env.AUTH_ENDPOINT }))
