import { withAuth } from 'with-auth'
import { withAuthRoutes } from 'with-auth/bun'
import { OPTIONS, serve } from './raw-handler.js'

const config = { ...OPTIONS, endpoint: process.env.AUTH_ENDPOINT }
const handlers = {
  '/admin': (request) => serve(request, 'admin'),
  '/admin/*': (request) => serve(request, 'admin'),
  '/admin/:first/:second/:third': (request) => serve(request, 'admin'),
  '/public/:name': (request) => serve(request, 'public'),
  '/healthz': (request) => serve(request, 'healthz'),
  '/': (request) => serve(request, 'root'),
  '/*': (request) => serve(request, 'other'),
}

// Which guard rejects whatever came by a route, so that `/healthz` has none.
function guardEach() {
  const guarded = Object.entries(handlers).map(([path, handler]) => [
    path,
    withAuth(handler, config),
  ])
  return { ...Object.fromEntries(guarded), '/healthz': { GET: handlers['/healthz'] } }
}

const routes = process.env.PROGRAM === 'routes' ? withAuthRoutes(handlers, config) : guardEach()
const server = Bun.serve({ routes, hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
