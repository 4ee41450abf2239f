import { getAuth, memoryCache, withAuth } from 'with-auth'

const guards = new Map()

// Only some runtimes have this event. The others end the process, which the tests notice.
globalThis.addEventListener?.('unhandledrejection', ({ reason }) => {
  console.log(`UNHANDLED ${reason}`)
})

/** Creates a handler that sends a request through the guard that it names, and reports the duration. */
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

export default { fetch: createFetch() }

/** The first request of each guard brings its options. A guard lasts as long as the server. */
function guardFor(headers, common) {
  const name = headers.get('x-guard')
  const known = guards.get(name)
  if (known !== undefined) return known
  const options = JSON.parse(decodeURIComponent(headers.get('x-options')))
  if (options.cache !== undefined) options.cache = memoryCache(options.cache)
  const guarded = withAuth(handler, { ...options, ...common })
  guards.set(name, guarded)
  return guarded
}

/** Logs first, so that the test sees the call even if the response is lost. */
function handler(request) {
  console.log(`HANDLER ${request.headers.get('x-ask')}`)
  const { principal, attributes } = getAuth(request)
  // No identity may change another object.
  return Response.json({ handler: 'HANDLER', principal, attributes, polluted: {}.admin })
}
