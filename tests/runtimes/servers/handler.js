import { getAuth } from 'with-auth'

export { options } from './options.js'

export function handler(request) {
  const isPublic = new URL(request.url).pathname.startsWith('/public/')
  return answer(request, () => (isPublic ? undefined : getAuth(request)))
}

/** First of all leaves a trace in the log: that it ran must show even if its response reaches nobody. */
export function answer(request, identify) {
  console.log(`HANDLER ${request.headers.get('x-scenario')}`)
  return Response.json({ handler: 'HANDLER', ...identify() })
}
