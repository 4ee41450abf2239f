import { withAuth } from 'with-auth'
import { handler, options } from './handler.js'

const guarded = withAuth(handler, options)

addEventListener('fetch', (event) => event.respondWith(guarded(event.request)))
