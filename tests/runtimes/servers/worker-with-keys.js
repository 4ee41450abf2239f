// A worker whose requests may end before the keys of the issuer have come.
import { withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'
import { AUDIENCE } from './issuer.js'

const guarded = withAuth(
  () => new Response('handled'),
  ({ ISSUER }) => ({
    verifier: jwt({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksUri: `${ISSUER}/jwks`,
      timeoutMs: 2000,
    }),
    unavailableStatus: 503,
  }),
)

export default {
  fetch(request, env, ctx) {
    const pending = guarded(request, ...(env.PASS_CTX === 'yes' ? [env, ctx] : [env]))
    const endsAfter = request.headers.get('x-ends-after')
    return endsAfter === null ? pending : Promise.race([pending, early(Number(endsAfter))])
  },
}

function early(ms) {
  return new Promise((resolve) => {
    setTimeout(() => resolve(new Response('early', { status: 202 })), ms)
  })
}
