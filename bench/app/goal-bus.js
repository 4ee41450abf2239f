// `node goal-bus.js <URL of an engine>` prints the time of a hit with the bus as a multiple of one without.
import { memoryCache, withAuth } from 'with-auth'
import { redisStore } from 'with-auth/redis'

const ROUNDS = 4000
const WARM_UP_ROUNDS = 400
const BATCH = 200
const HOT = `sk-good-${'0'.repeat(52)}`
const RESULT = {}
const [url] = process.argv.slice(2)

function createGuard(store) {
  let isLive = store === undefined
  const onEvent = (event) => {
    if (event.type === 'store') isLive = event.state === 'live'
  }
  const guarded = withAuth(() => RESULT, {
    verifier: () => ({ outcome: 'allow' }),
    context: { headers: [], params: 'none', path: false },
    cache: memoryCache({ allowTtlMs: 3_600_000, ...(store && { store, onEvent }) }),
    onEvent,
  })
  return { guarded, isLive: () => isLive }
}

// The parts of a Request that a hit reads. A real Request would cost more than the hit.
function createRequest() {
  const value = `Bearer ${HOT}`
  return {
    url: 'http://127.0.0.1/v1/models',
    method: 'GET',
    headers: { get: (name) => (name === 'authorization' ? value : null) },
  }
}

function measureBatch({ guarded }) {
  const requests = Array.from({ length: BATCH }, createRequest)
  const started = performance.now()
  for (const request of requests) if (guarded(request) !== RESULT) throw new Error('No hit')
  return performance.now() - started
}

const pair = [createGuard(), createGuard(redisStore({ url }))]
for (const { guarded, isLive } of pair) {
  await guarded(createRequest())
  while (!isLive()) await new Promise((resolve) => setTimeout(resolve, 10))
  await guarded(createRequest())
}
const best = [Infinity, Infinity]
function measureBoth(isWarmUp) {
  for (const [index, one] of pair.entries()) {
    const took = measureBatch(one)
    best[index] = isWarmUp ? Infinity : Math.min(best[index], took)
  }
}

// Heartbeats need turns of the loop. On a busy machine they may have been late: then this asks again.
async function rest() {
  await new Promise((resolve) => setTimeout(resolve, 5))
  await Promise.all(pair.map(({ guarded }) => guarded(createRequest())))
}

for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
  if (round % 20 === 0) await rest()
  measureBoth(round < 0)
}
console.log(JSON.stringify({ without: best[0] / BATCH, ratio: best[1] / best[0] }))
process.exit()
