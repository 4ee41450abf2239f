// In your Astro app: npm install with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx astro dev
import { defineMiddleware } from 'astro:middleware'
import { createAuthenticator } from 'with-auth'

const authenticate = createAuthenticator()

// Prerendered pages are served without it: `output: 'server'` in the config.
export const onRequest = defineMiddleware(async (context, next) => {
  const result = await authenticate(context.request)
  if (!result.ok) return result.response
  context.locals.auth = result.auth
  return next()
})
