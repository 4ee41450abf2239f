import { withAuthRoutes } from 'with-auth/bun'
import { handler, options, showItem } from './handler.js'

const routes = withAuthRoutes(
  { '/items/:id': (request) => showItem(request, request.params.id), '/*': handler },
  options,
)
const server = Bun.serve({ routes, hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
