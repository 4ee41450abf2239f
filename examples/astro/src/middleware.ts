// In your Astro app: npm install with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx astro dev
import { defineMiddleware } from 'astro:middleware'
import { createAuthenticator } from 'with-auth'

const authenticate = createAuthenticator()

// Prerendered pages are served without it: `output: 'server'` in the config.
export const onRequest = defineMiddleware(async ({ request, url, locals }, next) => {
  // Astro decodes a path up to ten times and shows the result in `url`. Serve only what was sent as it is read.
  if (url.pathname !== new URL(request.url).pathname) return new Response(null, { status: 400 })
  const result = await authenticate(request)
  if (!result.ok) return result.response
  locals.auth = result.auth
  return next()
})
