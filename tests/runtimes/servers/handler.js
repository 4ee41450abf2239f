import { getAuth } from 'with-auth'

export { options } from './options.js'

/** Handlers that do more than return the identity. */
const PAGES = {
  '/echo': async (request) => new Response(await request.arrayBuffer()),
  '/large': () => new Response(`${'0123456789abcdef'.repeat(65_536)}END`),
  '/own-refusal': () => new Response('not yours', { status: 401, headers: { 'x-own': 'yes' } }),
  '/throws': () => {
    throw new Error('a bug in the handler')
  },
}

export function handler(request) {
  return answer(request, () => identityOf(request))
}

/** Logs first, so that the test sees the call even if the response is lost. */
export function answer(request, identify) {
  leaveTrace(request)
  const { pathname } = new URL(request.url)
  const page = PAGES[pathname]
  if (page !== undefined) return page(request)
  const item = /^\/items\/(.+)/.exec(pathname)
  return greet(identify(), item === null ? {} : { id: item[1] })
}

/** For servers that resolve the parameters of a path themselves. */
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

// `undefined` for an exempt request: a public path or a preflight.
function identityOf(request) {
  try {
    return getAuth(request)
  } catch {
    return undefined
  }
}
