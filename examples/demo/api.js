import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
// 'with-auth/hono' in a program of yours: here it is what was just built, with nothing to install.
import { auth } from '../../dist/hono.js'

/** @param {string} endpoint The auth endpoint that is asked about every request but those for the front page. */
export function createApi(endpoint) {
  /** @type {Hono<import('../../dist/hono.js').AuthEnv>} */
  const api = new Hono()

  api.use(auth({ endpoint, public: ['/'] }))

  api.get('/', (c) => c.text('Everybody may read this.\n'))
  api.get('/v1/me', (c) => c.json(c.var.auth))
  api.get('/v1/chat', (c) =>
    streamSSE(c, async (stream) => {
      for (const word of ['Hello', 'from', 'a', 'guarded', 'stream']) {
        if (stream.aborted) return
        await stream.writeSSE({ data: word })
        await stream.sleep(200)
      }
    }),
  )
  return api
}
