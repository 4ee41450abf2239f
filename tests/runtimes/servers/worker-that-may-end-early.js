import { memoryCache, withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'

function configOf({ AUTH_ENDPOINT, OPTIONS }) {
  const { cache, issuer, ...options } = JSON.parse(OPTIONS)
  const by = issuer ? { verifier: jwt(issuer) } : { endpoint: AUTH_ENDPOINT }
  return { ...options, ...by, ...(cache && { cache: memoryCache(cache) }) }
}

const guarded = withAuth(() => new Response('handled'), configOf)

export default {
  fetch(request, env, ctx) {
    const args = env.PASS_CTX === 'yes' ? [env, ctx] : [env]
    const pending = guarded(request, ...args)
    const endsAfter = request.headers.get('x-ends-after')
    return endsAfter === null ? pending : Promise.race([pending, early(Number(endsAfter))])
  },
}

function early(ms) {
  return new Promise((resolve) => {
    setTimeout(() => resolve(new Response('early', { status: 202 })), ms)
  })
}
