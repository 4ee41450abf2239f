// Answers a request with the results of tests of `jwt()` in this runtime, over the key server that the query names.
import { getAuth, withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'
import { AUDIENCE, createKey, goodClaims, sign } from './issuer.js'

const TESTS = [
  { name: 'allows a token of each algorithm', run: allowsEachAlgorithm },
  { name: 'finds the keys by the metadata of the issuer', run: discovers },
  { name: 'rejects bad tokens', run: rejectsBadTokens },
  { name: 'shares one fetch of the keys', run: sharesOneFetch },
  { name: 'ends a fetch that hangs', run: endsHangingFetches },
]

async function allowsEachAlgorithm(server) {
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
  const keys = await Promise.all(algorithms.map((alg) => createKey(alg, alg)))
  await server.publish(...keys)
  const { call } = guard(server)
  for (const key of keys) {
    const { status, auth } = await call(await sign(key, goodClaims(server.issuer)))
    equal([key.alg, status, auth.principal], [key.alg, 200, 'alice'])
  }
}

async function discovers(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  const { call } = guard(server, { jwksUri: undefined })
  equal((await call(await sign(key, goodClaims(server.issuer)))).status, 200)
}

async function rejectsBadTokens(server) {
  const [key, foreign] = [await createKey('RS256', 'a'), await createKey('RS256', 'a')]
  await server.publish(key)
  const { call, details } = guard(server)
  const claims = goodClaims(server.issuer)
  const tokens = [
    sign(key, claims, { alg: 'none' }),
    sign(key, claims, { alg: 'HS256' }),
    sign(key, claims, { crit: ['x'], x: 1 }),
    sign(foreign, claims),
    sign(foreign, claims, { jwk: foreign.jwk }),
    sign(key, { ...claims, aud: 'other' }),
    sign(key, { ...claims, exp: 1 }),
    sign(key, { ...claims, exp: String(claims.exp) }),
  ]
  for (const token of tokens) equal((await call(await token)).status, 401)
  const wanted = 'algorithm algorithm malformed signature signature audience expired malformed'
  equal(details(), wanted.split(' '))
}

async function sharesOneFetch(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  const before = await server.fetches()
  const { call } = guard(server)
  const token = await sign(key, goodClaims(server.issuer))
  const all = await Promise.all(Array.from({ length: 20 }, () => call(token)))
  equal([...new Set(all.map(({ status }) => status))], [200])
  equal((await server.fetches()) - before, 1)
}

async function endsHangingFetches(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  await server.set({ delayMs: 3000 })
  const { call, reasons } = guard(server, { timeoutMs: 300 })
  const token = await sign(key, goodClaims(server.issuer))
  const all = await Promise.all(Array.from({ length: 5 }, () => call(token)))
  equal([...new Set(all.map(({ status }) => status))], [503])
  equal([...new Set(reasons())], ['timeout'])
}

function guard({ issuer }, more = {}) {
  const events = []
  const given = { issuer, audience: AUDIENCE, jwksUri: `${issuer}/jwks`, ...more }
  // An option that is undefined is an error.
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  )
  const guarded = withAuth((request) => Response.json(getAuth(request)), {
    verifier: jwt(options),
    unavailableStatus: 503,
    onEvent: (event) => events.push(event),
  })
  const decisions = () => events.filter(({ type }) => type === 'decision')
  return {
    details: () => decisions().map(({ detail }) => detail),
    reasons: () => decisions().map(({ reason }) => reason),
    call: async (token) => {
      const headers = { authorization: `Bearer ${token}` }
      const response = await guarded(new Request('https://api.example.com/', { headers }))
      return { status: response.status, auth: await response.json() }
    },
  }
}

function connect(issuer) {
  const set = async (state) => {
    const body = JSON.stringify(state)
    const response = await fetch(`${issuer}/state`, { method: 'POST', body })
    return response.json()
  }
  return {
    issuer,
    set,
    publish: (...keys) => set({ status: 200, delayMs: 0, keys: keys.map(({ jwk }) => jwk) }),
    fetches: async () => (await set({})).fetches,
  }
}

function equal(found, wanted) {
  const [one, other] = [found, wanted].map((value) => JSON.stringify(value))
  if (one !== other) throw new Error(`${one} and not ${other}`)
}

async function runTests(server) {
  const failures = []
  for (const { name, run } of TESTS) {
    try {
      await run(server)
    } catch (error) {
      failures.push(`${name}: ${String(error)}`)
    }
  }
  return { passed: TESTS.length - failures.length, failures }
}

export default {
  async fetch(request) {
    const issuer = new URL(request.url).searchParams.get('issuer')
    return Response.json(await runTests(connect(issuer)))
  },
}
