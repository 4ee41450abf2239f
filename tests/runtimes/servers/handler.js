import { getAuth } from 'with-auth'
import { PAGES } from './pages.js'

export { options } from './options.js'

export function handler(request) {
  return answer(request, () => identityOf(request))
}

/** First of all leaves a trace in the log: that it ran must show even if its response reaches nobody. */
export function answer(request, identify) {
  leaveTrace(request)
  const { pathname } = new URL(request.url)
  const page = PAGES[pathname]
  if (page !== undefined) return page(request)
  const item = /^\/items\/(.+)/.exec(pathname)
  return greet(identify(), item === null ? {} : { id: item[1] })
}

/** For servers that look up by themselves what a path names. */
export function showItem(request, id) {
  leaveTrace(request)
  return greet(identityOf(request), { id })
}

function leaveTrace(request) {
  console.log(`HANDLER ${request.headers.get('x-scenario')}`)
}

function greet(auth, more) {
  return Response.json({ handler: 'HANDLER', ...auth, ...more })
}

// Nobody, for a request that no verdict let through: that of a public path, or a preflight.
function identityOf(request) {
  try {
    return getAuth(request)
  } catch {
    return undefined
  }
}
