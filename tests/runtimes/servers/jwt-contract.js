// Answers a request with the results of tests of `jwt()` in this runtime, over the key server that the query names.
import { getAuth, withAuth } from 'with-auth'
import { jwt } from 'with-auth/jwt'
import { AUDIENCE, createKey, goodClaims, sign } from './issuer.js'
import { pass } from './passing-time.js'

const MINUTE = 60_000

const TESTS = [
  { name: 'allows a token of each algorithm', run: allowsEachAlgorithm },
  { name: 'finds the keys by the metadata of the issuer', run: discovers },
  { name: 'rejects bad tokens', run: rejectsBadTokens },
  { name: 'shares one fetch of the keys', run: sharesOneFetch },
  { name: 'accepts a new key with its first token', run: acceptsNewKeys },
  {
    name: 'fetches five times at once for a flood of made-up key ids, and rejects no good token',
    run: survivesFloods,
  },
  { name: 'answers 503 without keys, and recovers', run: recovers },
  { name: 'serves through an outage for 70 minutes', run: servesThroughOutages },
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

async function acceptsNewKeys(server) {
  const [old, next] = [await createKey('ES256', 'a'), await createKey('EdDSA', 'b')]
  await server.publish(old)
  const { call } = guard(server)
  const claims = goodClaims(server.issuer)
  equal((await call(await sign(old, claims))).status, 200)
  pass(MINUTE)
  await server.publish(old, next)
  equal((await call(await sign(next, claims))).status, 200)
  await server.publish(next)
  pass(10 * MINUTE)
  equal((await call(await sign(old, claims))).status, 401)
}

async function survivesFloods(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  const { call } = guard(server)
  const claims = goodClaims(server.issuer)
  equal((await call(await sign(key, claims))).status, 200)
  const before = await server.fetches()
  const kids = Array.from({ length: 100 }, (_, index) => `made-up-${index}`)
  const madeUp = await Promise.all(kids.map((kid) => sign(key, claims, { kid })))
  for (const [index, token] of madeUp.entries()) {
    equal((await call(token)).status, index < 5 ? 401 : 503)
  }
  equal((await call(await sign(key, claims))).status, 200)
  equal((await server.fetches()) - before, 5)
}

async function recovers(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  await server.set({ status: 503 })
  const { call } = guard(server)
  const token = await sign(key, goodClaims(server.issuer))
  const before = await server.fetches()
  for (let index = 0; index < 20; index += 1) equal((await call(token)).status, 503)
  equal((await server.fetches()) - before, 1)
  await server.set({ status: 200 })
  pass(1000)
  equal((await call(token)).status, 200)
}

async function servesThroughOutages(server) {
  const key = await createKey('ES256', 'a')
  await server.publish(key)
  const { call } = guard(server)
  const token = await sign(key, goodClaims(server.issuer))
  equal((await call(token)).status, 200)
  await server.set({ status: 503 })
  for (let minute = 0; minute < 69; minute += 1) {
    pass(MINUTE)
    equal((await call(token)).status, 200)
  }
  pass(2 * MINUTE)
  equal((await call(token)).status, 503)
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
