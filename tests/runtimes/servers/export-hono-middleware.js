import { Hono } from 'hono'
import { auth } from 'with-auth/hono'
import { answer, options } from './handler.js'

const app = new Hono()
app.use(auth(options))
app.all('*', (c) => answer(c.req.raw, () => c.var.auth))

export default app
