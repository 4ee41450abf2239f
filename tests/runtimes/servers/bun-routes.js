import { withAuth } from 'with-auth'
import { handler, options, showItem } from './handler.js'

const server = Bun.serve({
  routes: {
    '/items/:id': withAuth((request) => showItem(request, request.params.id), options),
    '/*': withAuth(handler, options),
  },
  hostname: '127.0.0.1',
  port: 0,
})
console.log(`Listening on ${server.url}`)
