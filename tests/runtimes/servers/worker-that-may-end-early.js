import { memoryCache, withAuth } from 'with-auth'

const guarded = withAuth(
  () => new Response('handled'),
  (env) => {
    const { cache, ...options } = JSON.parse(env.OPTIONS)
    return { ...options, endpoint: env.AUTH_ENDPOINT, ...(cache && { cache: memoryCache(cache) }) }
  },
)

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
