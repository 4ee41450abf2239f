// npm install express undici@7 with-auth && npm pkg set type=module && AUTH_ENDPOINT=https://auth.example.com/validate node express.js
import express from 'express'
import { createNodeAuthenticator, nodeTransport } from 'with-auth/node'

const authenticate = createNodeAuthenticator({ fetch: nodeTransport() })
const app = express()
const notes = []

// Before any body parser.
app.use(async (req, res, next) => {
  const { ok, auth, response } = await authenticate(req)
  req.auth = auth
  if (ok) return next()
  const body = await response.text()
  res.status(response.status).setHeaders(response.headers).end(body)
})
app.use(express.json())

app.get('/v1/notes', (req, res) => res.json({ principal: req.auth?.principal, notes }))
app.post('/v1/notes', (req, res) => {
  notes.push(req.body.text)
  res.json({ principal: req.auth?.principal, notes })
})

app.listen(process.env.PORT ?? 3000)
