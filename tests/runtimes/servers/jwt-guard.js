// Guards with `jwt()` by the discovery of an issuer. `x-pass-ms` sets the clocks forward. Timers stay real.
import { getAuth, memoryCache, withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'

const AUDIENCE = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'].map((alg) => `urn:api:${alg}`)

let passedMs = 0
const [realNow, realDateNow] = [performance.now.bind(performance), Date.now.bind(Date)]
// On Node other members of it are needed.
Object.defineProperty(performance, 'now', { value: () => realNow() + passedMs })
Date.now = () => realDateNow() + passedMs

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
    passedMs += Number(request.headers.get('x-pass-ms') ?? 0)
    return guarded(request, env)
  },
}
