import { getAuth } from 'with-auth'

/** What the guards are configured with, beside the endpoint in AUTH_ENDPOINT. */
export const options = { timeoutMs: 1000, public: ['/public/*'] }

export function handler(request) {
  const isPublic = new URL(request.url).pathname.startsWith('/public/')
  return answer(request, () => (isPublic ? undefined : getAuth(request)))
}

/** First of all leaves a trace in the log: that it ran must show even if its response reaches nobody. */
export function answer(request, identify) {
  console.log(`HANDLER ${request.headers.get('x-scenario')}`)
  return Response.json({ handler: 'HANDLER', ...identify() })
}
