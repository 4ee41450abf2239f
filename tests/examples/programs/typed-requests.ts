// Compiled by types.test.ts against the types of the frameworks, and never run.
import express, { type Request } from 'express'
import Fastify, { type FastifyRequest } from 'fastify'
import {
  access as accessExpress,
  auth as guardExpress,
  type AuthRequest,
  type Guarded as GuardedExpress,
} from 'with-auth/express'
import {
  access as accessFastify,
  auth as guardFastify,
  type AuthRequest as FastifyAuthRequest,
  type Guarded as GuardedFastify,
} from 'with-auth/fastify'

const strict = { endpoint: 'https://auth.example.com/validate' }
const open = { ...strict, public: ['/open'] }

declare global {
  namespace Express {
    interface Request extends GuardedExpress<typeof strict> {}
  }
}
declare module 'fastify' {
  interface FastifyRequest extends GuardedFastify<typeof open> {}
}

const app = express()
app.use(guardExpress(strict))
app.delete('/v1/notes', accessExpress({ roles: ['admin'] }), (req, res) => {
  res.json({ name: req.auth.principal, roles: req.auth.attributes['roles'] })
})
app.get('/v1/notes/:id', guardExpress(), (req: AuthRequest<Request<{ id: string }>>, res) => {
  const name: string | undefined = req.auth?.principal
  res.json({ name, id: req.params.id })
})

const fastify = Fastify()
fastify.addHook('onRequest', guardFastify(open))
const options = { onRequest: [guardFastify(), accessFastify({ roles: ['admin'] })] }
fastify.get('/v1/notes', options, async (request: FastifyAuthRequest<FastifyRequest>) => {
  const name: string | undefined = request.auth?.principal
  // @ts-expect-error -- a public path has no identity
  return { name, url: request.url, roles: request.auth.attributes.roles }
})
fastify.get('/v2/notes', async (request) => {
  // @ts-expect-error -- a public path has no identity
  return { name: request.auth?.principal, roles: request.auth.attributes.roles }
})
