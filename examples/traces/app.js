import { httpInstrumentationMiddleware } from '@hono/otel'
import { Hono } from 'hono'
import { auth } from 'with-auth/hono'
import { observe } from 'with-auth/otel'

const app = new Hono()

app.use(httpInstrumentationMiddleware())
app.use(auth({ onEvent: observe({ next: (event) => console.log(JSON.stringify(event)) }) }))
app.get('/hello', (c) => c.text(`hello ${c.var.auth.principal}`))

export default app
