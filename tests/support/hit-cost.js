// `node hit-cost.js <entry>` prints the time of a cache hit as a multiple of a lookup in a Map.
const { withAuth } = await import(process.argv[2])

const ROUNDS = 400
const WARM_UP_ROUNDS = 100
const BATCH = 400
const RESULT = {}
const handler = () => RESULT

const manyTokens = Array.from({ length: 10_000 }, (_, index) => `sk-${index}`.padEnd(60, '0'))
const hotToken = manyTokens.slice(0, 1)
const tokenOnly = { headers: [], params: 'none', path: false }
const told = { headers: ['x-tenant'], params: 'values', path: true }

function mapGate(tokens) {
  const handlers = new Map(tokens.map((token) => [`Bearer ${token}`, handler]))
  return (request) => handlers.get(request.headers.get('authorization'))?.(request)
}

function guard(context) {
  const verifier = () => ({ outcome: 'allow', principal: 'ada' })
  return withAuth(handler, { verifier, context, cache: { allowTtlMs: 3_600_000 } })
}

/** A light stand-in for a Request. A real one would cost more than the hit. */
function createRequest(token) {
  const headers = new Headers({ authorization: `Bearer ${token}`, 'x-tenant': 'acme' })
  return { method: 'GET', url: 'http://127.0.0.1:3000/v1/models', headers }
}

const pairs = [
  { name: 'one token', gate: mapGate(hotToken), guarded: guard(tokenOnly), tokens: hotToken },
  {
    name: '10,000 tokens',
    gate: mapGate(manyTokens),
    guarded: guard(tokenOnly),
    tokens: manyTokens,
  },
  { name: 'path and header told', gate: mapGate(hotToken), guarded: guard(told), tokens: hotToken },
]

let turn = 0

function measureBatch(run, tokens) {
  const requests = Array.from({ length: BATCH }, () => {
    turn += 37
    return createRequest(tokens[turn % tokens.length])
  })
  const started = performance.now()
  for (const request of requests) if (run(request) !== RESULT) throw new Error('There was no hit')
  return performance.now() - started
}

/** The time of `guarded` as a multiple of `gate`, each in its fastest batch. Other processes only add time. */
function measurePair({ gate, guarded, tokens }) {
  let [leastOfGate, leastOfGuard] = [Infinity, Infinity]
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const [tookGate, tookGuard] = [measureBatch(gate, tokens), measureBatch(guarded, tokens)]
    if (round < 0) continue
    leastOfGate = Math.min(leastOfGate, tookGate)
    leastOfGuard = Math.min(leastOfGuard, tookGuard)
  }
  return leastOfGuard / leastOfGate
}

const ratios = {}
for (const pair of pairs) {
  for (const token of pair.tokens) await pair.guarded(createRequest(token))
  ratios[pair.name] = measurePair(pair)
}
console.log(JSON.stringify(ratios))
