import { withAuth } from 'with-auth'
import { handler } from './handler.js'

export default withAuth({ fetch: handler })
