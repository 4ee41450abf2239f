// In your React Router app: npm install with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx react-router dev
import { createContext, type MiddlewareFunction } from 'react-router'
import { createAuthenticator, type Auth } from 'with-auth'

const authenticate = createAuthenticator()

export const authContext = createContext<Auth | undefined>()

export const guard: MiddlewareFunction<Response> = async ({ request, context }, next) => {
  const result = await authenticate(request)
  if (!result.ok) return result.response
  context.set(authContext, result.auth)
  return next()
}
