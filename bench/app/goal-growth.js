// Prints how the cost of a hit grows with many cached decisions, beside many instances, and after many requests.
import { memoryCache, withAuth } from 'with-auth'

const ROUNDS = 300
const BATCH = 500
const HOT = `sk-good-${'0'.repeat(52)}`
const RESULT = {}

function createGuard() {
  return withAuth(() => RESULT, {
    verifier: () => ({ outcome: 'allow' }),
    context: { headers: [], params: 'none', path: false },
    cache: memoryCache({ allowTtlMs: 3_600_000, maxEntries: 200_000 }),
  })
}

// The parts of a Request that a hit reads. A real Request would cost more than the hit.
function createRequest(token) {
  const value = `Bearer ${token}`
  return {
    url: 'http://127.0.0.1/v1/models',
    method: 'GET',
    headers: { get: (name) => (name === 'authorization' ? value : null) },
  }
}

function measureBatch(guarded) {
  const requests = Array.from({ length: BATCH }, () => createRequest(HOT))
  const started = performance.now()
  for (const request of requests) if (guarded(request) !== RESULT) throw new Error('No hit')
  return performance.now() - started
}

/** The fastest batch of each wrapper, measured in turn. */
function compare(guards) {
  const best = guards.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, guarded] of guards.entries()) {
      best[index] = Math.min(best[index], measureBatch(guarded))
    }
  }
  return best
}

const [one, full, fresh] = [createGuard(), createGuard(), createGuard()]
const others = Array.from({ length: 1000 }, createGuard)
for (let index = 0; index < 100_000; index += 1) {
  await full(createRequest(`sk-good-${String(index).padStart(52, '1')}`))
}
for (const guarded of [one, full, fresh, ...others]) await guarded(createRequest(HOT))
compare([one, full])
const [alone, amongMany] = compare([one, full])
// By now `one` has served 300,000 requests and `fresh` one.
const [served, unserved] = compare([one, fresh])
const [single, ...many] = compare([one, ...others.slice(0, 10)])
const requests = served / unserved
const instances = Math.min(...many) / single
console.log(JSON.stringify({ verdicts: amongMany / alone, instances, requests }))
