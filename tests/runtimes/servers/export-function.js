import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

export default withAuth(handler, options)
