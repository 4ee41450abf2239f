// Guards with `jwt()` by the discovery of an issuer. `x-pass-ms` sets the clocks forward.
import { getAuth, memoryCache, withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'
import { pass } from './passing-time.js'

const AUDIENCE = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'].map((alg) => `urn:api:${alg}`)

const guarded = withAuth(
  (request) => Response.json(getAuth(request)),
  (env) => {
    // Workers hand their environment over; the others have it in `process`.
    const issuer = env?.ISSUER ?? process.env.ISSUER
    return {
      verifier: jwt({ issuer, audience: AUDIENCE, types: ['at+jwt'] }),
      cache: memoryCache(),
    }
  },
)

export default {
  fetch(request, env) {
    pass(Number(request.headers.get('x-pass-ms') ?? 0))
    return guarded(request, env)
  },
}
