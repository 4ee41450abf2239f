import { getAuth, withAuth } from 'with-auth'
import { FETCHES } from './fault-fetches.js'

const guards = new Map()

// Where the runtime has such an event. Those that end the process instead are noticed by that.
globalThis.addEventListener?.('unhandledrejection', ({ reason }) => {
  console.log(`UNHANDLED ${reason}`)
})

/** What sends a request through the guard that it names, and says how long that took. */
export function createFetch(common = {}) {
  return async (request) => {
    const guarded = guardFor(request.headers, common)
    const startedAt = performance.now()
    const response = await guarded(request)
    const tookMs = performance.now() - startedAt
    const headers = new Headers(response.headers)
    headers.set('x-took-ms', String(tookMs))
    return new Response(response.body, { status: response.status, headers })
  }
}

/** The options come with the first request of each guard, which lasts as long as the server. */
function guardFor(headers, common) {
  const name = headers.get('x-guard')
  const known = guards.get(name)
  if (known !== undefined) return known
  const { fetch: behaviour, ...options } = JSON.parse(decodeURIComponent(headers.get('x-options')))
  const asking = behaviour === undefined ? common : { fetch: FETCHES[behaviour] }
  const guarded = withAuth(handler, { ...options, ...asking })
  guards.set(name, guarded)
  return guarded
}

/** First of all leaves a trace in the log: that it ran must show even if its response reaches nobody. */
function handler(request) {
  console.log(`HANDLER ${request.headers.get('x-ask')}`)
  const { principal, attributes } = getAuth(request)
  // Whatever an identity brings, no other object may be changed by it.
  return Response.json({ handler: 'HANDLER', principal, attributes, polluted: {}.admin })
}
