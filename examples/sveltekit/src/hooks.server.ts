// In your SvelteKit app: npm install with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx vite dev
import { createAuthenticator } from 'with-auth'
import type { Handle } from '@sveltejs/kit/hooks'

const authenticate = createAuthenticator()

// Prerendered pages and files in `static` are served without this hook.
export const handle: Handle = async ({ event, resolve }) => {
  const result = await authenticate(event.request)
  if (!result.ok) return result.response
  event.locals.auth = result.auth
  return resolve(event)
}
