import { Hono } from 'hono'
import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

const app = new Hono()
app.all('*', (c) => handler(c.req.raw))

export default withAuth(app, options)
