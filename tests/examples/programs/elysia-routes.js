// The routes that raw requests attack, of each kind in Elysia.
import { Elysia } from 'elysia'
import { serve } from './raw-handler.js'

const as =
  (route) =>
  ({ request }) =>
    serve(request, route)

export const routes = new Elysia()
  .get('/admin', as('admin'))
  .get('/admin/:a', as('admin'))
  .get('/admin/:a/:b', as('admin'))
  .get('/admin/:a/:b/:c', as('admin'))
  .all('/admin/*', as('admin'))
  .all('/admin', as('admin'))
  .all('/public/:name', as('public'))
  .all('/healthz', as('healthz'))
  .all('/', as('root'))
  .all('/*', as('other'))
