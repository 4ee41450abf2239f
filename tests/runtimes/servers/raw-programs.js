import { Hono } from 'hono'
import { withAuth } from 'with-auth'
import { auth } from 'with-auth/hono'
import { OPTIONS, serve } from './raw-handler.js'

const PROGRAMS = {
  function: (config) => withAuth((request) => serve(request, 'any'), config),
  hono: (config) => withAuth(createApp(), config),
  'hono-middleware': (config) =>
    new Hono().use('/admin/*', auth({ ...config, public: [] })).route('/', createApp()),
  'hono-mounted': createMountedApps,
}

let guarded

/** One of the guarded programs. Each has `/healthz`, which needs no token. */
export default {
  fetch(request, ...args) {
    // Workers hand their environment over; the others have it in `process`.
    const { PROGRAM, AUTH_ENDPOINT } = args[0]?.PROGRAM === undefined ? process.env : args[0]
    guarded ??= PROGRAMS[PROGRAM]({ ...OPTIONS, endpoint: AUTH_ENDPOINT })
    return guarded.fetch(request, ...args)
  },
}

function createApp() {
  return new Hono()
    .all('/admin', (c) => serve(c.req.raw, 'admin'))
    .all('/admin/*', (c) => serve(c.req.raw, 'admin'))
    .all('/public/:name', (c) => serve(c.req.raw, 'public'))
    .all('/healthz', (c) => serve(c.req.raw, 'healthz'))
    .all('/', (c) => serve(c.req.raw, 'root'))
    .all('*', (c) => serve(c.req.raw, 'other'))
}

// Each way to mount an app below a path with a guard inside, with three ways to write `public`.
function createMountedApps(config) {
  const based = new Hono()
    .basePath('/based')
    .use(auth({ ...config, public: ['/based/public/*', '/public/*'] }))
    .route('/', createApp())
  const routed = new Hono()
    .use(auth({ ...config, public: ['/routed/public/*', '/public/*'] }))
    .route('/', createApp())
  const mounted = withAuth(createApp(), { ...config, public: ['/public/*', '/mounted/public/*'] })
  return new Hono()
    .route('/', based)
    .route('/routed', routed)
    .mount('/mounted', mounted.fetch)
    .all('/healthz', (c) => serve(c.req.raw, 'healthz'))
}
