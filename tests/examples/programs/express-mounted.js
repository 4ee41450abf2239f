import express from 'express'
import { createNodeAuthenticator } from 'with-auth/node'

const authenticate = createNodeAuthenticator({ public: ['/api/open/*'] })

async function guard(req, res, next) {
  const result = await authenticate(req)
  if (result.ok) return next()
  res.status(result.response.status).end(await result.response.text())
}

const routes = express.Router()
routes.use(guard)
// The guard saw the whole path. A router below a mount point sees the rest of it.
routes.use((req, res) => {
  console.log(`HANDLER ${req.url}`)
  res.end(`${req.url} of ${req.originalUrl}`)
})

const app = express()
app.use('/api', routes)
app.use('/api/open', routes)
app.listen(0, '127.0.0.1')
